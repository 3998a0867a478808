"""Random changes to whole batches: what may differ between scans of the same thing.

All in one pass on the device: geometry by one affine resampling (which also brings the pictures
to the training size), then intensity. Randomness comes from the generator given, so that a
resumed run sees what an unbroken one would.
"""

import math

import torch
import torch.nn.functional as F  # noqa: N812  (PyTorch's own custom)
from torch import Generator, Tensor

from tumorlens.lab.config import AugmentationConfig


def augment(
    pictures: Tensor, config: AugmentationConfig, *, size: int, generator: Generator
) -> Tensor:
    """Change a batch at random.

    Args:
        pictures: float32, (N, 1, H, W), 0..1.
        config: How strongly.
        size: Side of the result in pixels.
        generator: Source of randomness, on the CPU.

    Returns:
        float32, (N, 1, size, size), 0..1.
    """
    moved = _move(pictures, config, size, generator)
    return _change_intensity(moved, config, generator)


def _move(pictures: Tensor, config: AugmentationConfig, size: int, generator: Generator) -> Tensor:
    """Flip, rotate, zoom, stretch and shift, black where nothing was."""
    count = len(pictures)
    angle = _uniform(count, -config.rotation_deg, config.rotation_deg, generator) * math.pi / 180
    zoom = torch.exp(_uniform(count, -1, 1, generator) * math.log(config.zoom))
    stretch = torch.exp(_uniform(count, -1, 1, generator) * math.log(config.stretch))
    mirror = (torch.rand(count, generator=generator) >= config.flip).float() * 2 - 1
    shift = _uniform(2 * count, -config.shift, config.shift, generator).view(count, 2)
    cos, sin = torch.cos(angle), torch.sin(angle)
    rows = (
        torch.stack([mirror * cos * zoom * stretch, -sin * zoom * stretch, 2 * shift[:, 0]], 1),
        torch.stack([mirror * sin * zoom / stretch, cos * zoom / stretch, 2 * shift[:, 1]], 1),
    )
    affine = torch.stack(rows, dim=1).to(pictures.device)
    grid = F.affine_grid(affine, [count, 1, size, size], align_corners=False)
    return F.grid_sample(pictures, grid, mode="bilinear", align_corners=False)


def _change_intensity(pictures: Tensor, config: AugmentationConfig, generator: Generator) -> Tensor:
    """Gamma, contrast, brightness, a bias field and noise; the black border stays black."""
    count, device = len(pictures), pictures.device
    shape = (count, 1, 1, 1)
    head = pictures > 0
    gamma = torch.exp(_uniform(count, -1, 1, generator) * math.log(config.gamma)).view(shape)
    contrast = torch.exp(_uniform(count, -1, 1, generator) * math.log(config.contrast))
    brightness = _uniform(count, -config.brightness, config.brightness, generator).view(shape)
    changed = pictures.clamp(min=1e-4) ** gamma.to(device)
    changed = (changed - 0.5) * contrast.view(shape).to(device) + 0.5 + brightness.to(device)
    field = _uniform(count * 9, -config.bias_field, config.bias_field, generator)
    smooth = F.interpolate(
        field.view(count, 1, 3, 3).to(device), pictures.shape[-2:], mode="bicubic"
    )
    noise = torch.randn(pictures.shape, generator=generator).to(device)
    strength = _uniform(count, 0, config.noise, generator).view(shape).to(device)
    return ((changed * torch.exp(smooth) + noise * strength) * head).clamp(0, 1)


def _uniform(count: int, low: float, high: float, generator: Generator) -> Tensor:
    return torch.rand(count, generator=generator) * (high - low) + low
