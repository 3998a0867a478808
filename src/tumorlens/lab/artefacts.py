"""What goes wrong in a scanner: ghosts and motion, made in k-space.

An MR scanner fills the picture's Fourier transform line by line. What changes between two lines
falls on the whole picture: a pulse or a breath that comes back every few lines makes faint
copies of the head, a head that moves halfway makes edges run double. After the transforms of
TorchIO (F. Perez-Garcia and others, 2021, arXiv:2003.04696), in two dimensions.
"""

import math

import torch
import torch.nn.functional as F  # noqa: N812  (PyTorch's own custom)
from torch import Generator, Tensor

from tumorlens.lab.config import AugmentationConfig

_GHOSTS = (2, 8)  # copies beside the head
_FAINTNESS = (0.3, 0.9)  # by which every n-th line is weakened
_SPARED = 0.02  # of the lines, the coarsest, stay: the picture keeps its place and brightness
_TURN_DEG, _SHIFT = 6.0, 0.04
_MOVES = (0.05, 0.4)  # how far from the middle line the head has moved


def scanner_artefacts(pictures: Tensor, config: AugmentationConfig, generator: Generator) -> Tensor:
    """Some pictures get ghosts, some the marks of motion.

    Args:
        pictures: float32, (N, 1, H, W), 0..1.
        config: ``ghosting`` and ``motion`` are the probabilities.
        generator: Source of randomness, on the CPU; nothing is drawn where both are 0.

    Returns:
        The same shape, 0..1.
    """
    for probability, spoil in ((config.ghosting, _ghosted), (config.motion, _moved)):
        if probability == 0:
            continue
        chosen = torch.nonzero(torch.rand(len(pictures), generator=generator) < probability)
        result = pictures.clone()
        for index in chosen.flatten().tolist():
            one = pictures[index, 0]
            across = bool(torch.rand(1, generator=generator) < 0.5)
            spoilt = spoil(one.T if across else one, generator)
            result[index, 0] = (spoilt.T if across else spoilt).clamp(0, 1)
        pictures = result
    return pictures


def _ghosted(picture: Tensor, generator: Generator) -> Tensor:
    """Every n-th line of k-space is weaker; (H, W)."""
    lines = torch.fft.fft2(picture)
    ghosts = int(torch.randint(_GHOSTS[0], _GHOSTS[1] + 1, (1,), generator=generator))
    kept = torch.ones(len(picture))
    kept[::ghosts] = 1 - _between(*_FAINTNESS, generator)
    kept[_distance(len(picture)) < _SPARED] = 1
    spoilt: Tensor = torch.fft.ifft2(lines * kept.to(picture.device)[:, None]).abs()
    return spoilt


def _moved(picture: Tensor, generator: Generator) -> Tensor:
    """The outer lines of k-space on one side come from the head in another place; (H, W)."""
    angle = _between(-_TURN_DEG, _TURN_DEG, generator) * math.pi / 180
    down, right = (2 * _between(-_SHIFT, _SHIFT, generator) for _ in range(2))
    cos, sin = math.cos(angle), math.sin(angle)
    affine = torch.tensor([[[cos, -sin, right], [sin, cos, down]]], device=picture.device)
    grid = F.affine_grid(affine, [1, 1, *picture.shape], align_corners=False)
    elsewhere = F.grid_sample(picture[None, None], grid, align_corners=False)[0, 0]
    late = torch.fft.fftfreq(len(picture)) > _between(*_MOVES, generator) * 0.5
    lines = torch.where(
        late.to(picture.device)[:, None], torch.fft.fft2(elsewhere), torch.fft.fft2(picture)
    )
    spoilt: Tensor = torch.fft.ifft2(lines).abs()
    return spoilt


def _distance(count: int) -> Tensor:
    """Of each line of k-space from the middle one, 0 to 0.5."""
    distance: Tensor = torch.fft.fftfreq(count).abs()
    return distance


def _between(low: float, high: float, generator: Generator) -> float:
    return float(torch.rand(1, generator=generator)) * (high - low) + low
