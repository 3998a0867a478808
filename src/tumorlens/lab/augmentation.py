"""Random changes to whole batches: what may differ between scans of the same thing.

All in one pass on the device: geometry by one affine resampling (which also brings the pictures
to the training size), then resolution and intensity. Randomness comes from the generator given,
so that a resumed run sees what an unbroken one would.

Curves of intensity after Z. Zhou and others, "Models Genesis", MICCAI 2019, arXiv:1908.06912
(section 2.1); mixing of coarse Fourier amplitudes after Y. Yang and S. Soatto, "FDA", CVPR 2020,
arXiv:2004.05498: both make other sequences and scanners out of the same head.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812  (PyTorch's own custom)
from torch import Generator, Tensor

from tumorlens.lab.artefacts import scanner_artefacts
from tumorlens.lab.config import AugmentationConfig

_KNOTS = 4  # straight pieces of a curve of intensities
_COARSE = 0.04  # of the frequencies count as coarse: contrast and shading, not shape
_RIM = (0.72, 0.95)  # semi-axes of the ellipse that is left of a head without its rim


def augment(
    batch: Tensor, config: AugmentationConfig, *, size: int, generator: Generator
) -> Tensor:
    """Change a batch at random.

    Args:
        batch: float32, (N, C, H, W), 0..1: pictures in the first channel; what lies in further
            channels, such as a tumor's mask, is moved with its picture and otherwise left alone.
        config: How strongly.
        size: Side of the result in pixels.
        generator: Source of randomness, on the CPU.

    Returns:
        float32, (N, C, size, size), 0..1.
    """
    moved = _move(_without_rim(batch, config, generator), config, size, generator)
    pictures = _coarsened(moved[:, :1], config, generator)
    head = pictures > 0
    pictures = scanner_artefacts(pictures, config, generator) * head
    pictures = _curved(_mixed(pictures, config, generator), config, generator)
    changed = _change_intensity(pictures * head, config, generator)
    return torch.cat([changed, moved[:, 1:]], dim=1)


def mix_up(
    batch: Tensor, config: AugmentationConfig, *, generator: Generator
) -> tuple[Tensor, Tensor, float]:
    """Lay another picture of the batch over each one.

    H. Zhang and others, "mixup", ICLR 2018, arXiv:1710.09412.

    Args:
        batch: float32, (N, C, H, W).
        config: ``mixup`` shapes the shares; 0 changes nothing.
        generator: Source of randomness, on the CPU.

    Returns:
        The mixed batch, the number of each picture's partner (int64, (N,)), and the share that
        each picture keeps, in [0.5, 1].
    """
    own = torch.arange(len(batch))
    if config.mixup == 0:
        return batch, own, 1.0
    seed = int(torch.randint(2**31, (1,), generator=generator))
    share = float(np.random.default_rng(seed).beta(config.mixup, config.mixup))
    share = max(share, 1 - share)
    partners = torch.randperm(len(batch), generator=generator)
    return share * batch + (1 - share) * batch[partners.to(batch.device)], partners, share


def _chosen(count: int, probability: float, generator: Generator) -> Tensor:
    """Numbers of the pictures that a change befalls; nothing is drawn where none can be."""
    if probability == 0:
        return torch.zeros(0, dtype=torch.long)
    return torch.nonzero(torch.rand(count, generator=generator) < probability).flatten()


def _without_rim(batch: Tensor, config: AugmentationConfig, generator: Generator) -> Tensor:
    """Some heads lose what lies outside an ellipse, unless a known tumor lies there too."""
    chosen = _chosen(len(batch), config.rim, generator)
    if not len(chosen):
        return batch
    axes = _uniform(2 * len(chosen), *_RIM, generator).view(-1, 2, 1, 1).to(batch.device)
    rows = torch.linspace(-1, 1, batch.shape[2], device=batch.device).view(1, -1, 1)
    columns = torch.linspace(-1, 1, batch.shape[3], device=batch.device).view(1, 1, -1)
    inside = ((rows / axes[:, 0]) ** 2 + (columns / axes[:, 1]) ** 2 < 1).float().unsqueeze(1)
    masks = batch[chosen, 1:]
    lost = (masks * (1 - inside)).sum(dim=(1, 2, 3)) > 0.02 * masks.sum(dim=(1, 2, 3))
    inside = torch.maximum(inside, lost.view(-1, 1, 1, 1).float())
    stripped = batch.clone()
    stripped[chosen] *= inside
    return stripped


def _move(batch: Tensor, config: AugmentationConfig, size: int, generator: Generator) -> Tensor:
    """Flip, rotate, zoom, stretch and shift, black where nothing was."""
    count = len(batch)
    angle = _uniform(count, -config.rotation_deg, config.rotation_deg, generator) * math.pi / 180
    zoom = torch.exp(_uniform(count, -1, 1, generator) * math.log(config.zoom))
    stretch = torch.exp(_uniform(count, -1, 1, generator) * math.log(config.stretch))
    mirror = (torch.rand(count, generator=generator) >= config.flip).float() * 2 - 1
    upright = torch.ones(count)
    upright[_chosen(count, config.upside_down, generator)] = -1
    shift = _uniform(2 * count, -config.shift, config.shift, generator).view(count, 2)
    cos, sin = torch.cos(angle), torch.sin(angle)
    rows = (
        torch.stack(
            [mirror * cos * zoom * stretch, -upright * sin * zoom * stretch, 2 * shift[:, 0]], 1
        ),
        torch.stack(
            [mirror * sin * zoom / stretch, upright * cos * zoom / stretch, 2 * shift[:, 1]], 1
        ),
    )
    affine = torch.stack(rows, dim=1).to(batch.device)
    grid = F.affine_grid(affine, [count, 1, size, size], align_corners=False)
    return F.grid_sample(batch, grid, mode="bilinear", align_corners=False)


def _coarsened(pictures: Tensor, config: AugmentationConfig, generator: Generator) -> Tensor:
    """Some pictures lose resolution, by one factor from 1 to 3 a batch."""
    chosen = _chosen(len(pictures), config.coarseness, generator)
    if not len(chosen):
        return pictures
    size = pictures.shape[-1]
    smaller = max(1, round(size / float(_uniform(1, 1, 3, generator))))
    coarse = F.interpolate(pictures[chosen], (smaller, smaller), mode="area")
    result = pictures.clone()
    result[chosen] = F.interpolate(coarse, (size, size), mode="bilinear", align_corners=False)
    return result


def _mixed(pictures: Tensor, config: AugmentationConfig, generator: Generator) -> Tensor:
    """Some pictures take over a part of the coarse amplitudes of their neighbour in the batch."""
    chosen = _chosen(len(pictures), config.amplitude, generator)
    if not len(chosen):
        return pictures
    part = _uniform(len(chosen), 0, 1, generator).view(-1, 1, 1, 1).to(pictures.device)
    own = torch.fft.rfft2(pictures[chosen])
    other = torch.fft.rfft2(pictures[(chosen + 1) % len(pictures)]).abs()
    rows = torch.fft.fftfreq(pictures.shape[-2]).abs() < _COARSE
    columns = torch.fft.rfftfreq(pictures.shape[-1]) < _COARSE
    coarse = (rows[:, None] & columns[None, :]).to(pictures.device)
    amplitude = torch.where(coarse, own.abs() * (1 - part) + other * part, own.abs())
    result = pictures.clone()
    mixed = torch.polar(amplitude, own.angle())
    result[chosen] = torch.fft.irfft2(mixed, s=pictures.shape[-2:]).clamp(0, 1)
    return result


def _curved(pictures: Tensor, config: AugmentationConfig, generator: Generator) -> Tensor:
    """Some pictures' intensities run through a random curve; one in three of these falls."""
    chosen = _chosen(len(pictures), config.curve, generator)
    if not len(chosen):
        return pictures
    count = len(chosen)
    inner = torch.rand(count, _KNOTS - 1, generator=generator).sort(dim=1).values
    heights = torch.cat([torch.zeros(count, 1), inner, torch.ones(count, 1)], dim=1)
    falls = torch.rand(count, generator=generator) < 1 / 3
    heights[falls] = heights[falls].flip(1)
    heights = heights.to(pictures.device)
    place = pictures[chosen].flatten(1) * _KNOTS
    piece = place.long().clamp(max=_KNOTS - 1)
    low, high = heights.gather(1, piece), heights.gather(1, piece + 1)
    curved = low + (high - low) * (place - piece)
    result = pictures.clone()
    result[chosen] = curved.view_as(pictures[chosen])
    return result


def _change_intensity(pictures: Tensor, config: AugmentationConfig, generator: Generator) -> Tensor:
    """Gamma, contrast, brightness, a bias field and noise; the black border stays black.

    Powers and noise take most of an augmentation's time: what changes nothing is left out.
    """
    count, device = len(pictures), pictures.device
    shape = (count, 1, 1, 1)
    changed = pictures
    if config.gamma != 1:
        gamma = torch.exp(_uniform(count, -1, 1, generator) * math.log(config.gamma)).view(shape)
        changed = changed.clamp(min=1e-4) ** gamma.to(device)
    contrast = torch.exp(_uniform(count, -1, 1, generator) * math.log(config.contrast))
    brightness = _uniform(count, -config.brightness, config.brightness, generator).view(shape)
    changed = (changed - 0.5) * contrast.view(shape).to(device) + 0.5 + brightness.to(device)
    if config.bias_field:
        field = _uniform(count * 9, -config.bias_field, config.bias_field, generator)
        smooth = F.interpolate(
            field.view(count, 1, 3, 3).to(device), pictures.shape[-2:], mode="bicubic"
        )
        changed = changed * torch.exp(smooth)
    if config.noise:
        noise = _normal(pictures, generator)
        changed = changed + noise * _uniform(count, 0, config.noise, generator).view(shape).to(
            device
        )
    return (changed * (pictures > 0)).clamp(0, 1)


def _normal(like: Tensor, generator: Generator) -> Tensor:
    """Normal noise of a batch's shape, drawn where the batch lies: there is much of it."""
    if like.device.type == "cpu":
        return torch.randn(like.shape, generator=generator)
    there = Generator(like.device)
    there.manual_seed(int(torch.randint(2**62, (1,), generator=generator)))
    return torch.randn(like.shape, generator=there, device=like.device)


def _uniform(count: int, low: float, high: float, generator: Generator) -> Tensor:
    return torch.rand(count, generator=generator) * (high - low) + low
