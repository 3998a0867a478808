"""Random patches of prepared heads, changed at random, the same again for the same seed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F  # noqa: N812  (PyTorch's own custom)
from torch import Tensor
from torch.utils.data import Dataset

from tumorlens.errors import ConfigError
from tumorlens.lab.volumes.cases import PreparedCase
from tumorlens.lab.volumes.settings import VolumeAugmentation, VolumeConfig
from tumorlens.scan import FloatArray
from tumorlens.volume_outlining.regions import LabelArray, to_regions


class Patches(Dataset[tuple[Tensor, Tensor]]):
    """One epoch's patches.

    Each is decided by the seed, the epoch and its number alone: it does not matter which process
    cuts it, nor after how many interruptions.

    Args:
        cases: The training heads.
        config: The run's settings.
        epoch: From 1.
    """

    def __init__(self, cases: Sequence[PreparedCase], config: VolumeConfig, epoch: int) -> None:
        self._seed = (config.training.seed, epoch)
        order = np.random.default_rng(self._seed)
        _check_repeated(cases, config)
        often = [config.data.repeat.get(case.dataset, 1) for case in cases]
        each = np.multiply(often, config.training.patches)
        self._drawn = order.permutation(np.repeat(np.arange(len(cases)), each))
        self._cases = cases
        self._config = config

    def __len__(self) -> int:
        return len(self._drawn)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Image, float32, (C, *patch), and regions, float32, (R, *patch)."""
        case = self._cases[int(self._drawn[index])]
        settings = self._config.training
        random = np.random.default_rng((*self._seed, index))
        image, labels = cut(
            case.image(),
            case.labels(),
            patch=settings.patch,
            tumor_share=settings.tumor_share,
            random=random,
        )
        image, labels = change(image, labels, self._config.augmentation, random)
        regions = to_regions(labels, self._config.data.regions).astype(np.float32)
        return torch.from_numpy(image), torch.from_numpy(regions)


def _check_repeated(cases: Sequence[PreparedCase], config: VolumeConfig) -> None:
    """A misspelt data set would be passed over in silence."""
    known = {case.dataset for case in cases}
    if unknown := set(config.data.repeat) - known:
        raise ConfigError(
            expected=f"names of data sets that train: {', '.join(sorted(known))}",
            found=", ".join(sorted(unknown)),
            remedy="Change data.repeat: the names are those of the folders.",
            source="data.repeat",
        )


def cut(
    image: npt.NDArray[np.floating[Any]],
    labels: LabelArray,
    *,
    patch: tuple[int, int, int],
    tumor_share: float,
    random: np.random.Generator,
) -> tuple[FloatArray, LabelArray]:
    """A patch around a random voxel: of tumor with probability ``tumor_share``, else of any.

    Args:
        image: (C, X, Y, Z).
        labels: (X, Y, Z).
        patch: Voxels along X, Y and Z; what lies outside the head is 0.
        tumor_share: In [0, 1].
        random: Source of randomness.
    """
    lengths = labels.shape
    centre = tuple(int(random.integers(length)) for length in lengths)
    tumor = np.flatnonzero(labels) if random.random() < tumor_share else ()
    if len(tumor):
        chosen = np.unravel_index(int(tumor[random.integers(len(tumor))]), lengths)
        centre = tuple(int(place) for place in chosen)
    from_, to, pads = [], [], []
    for middle, side, length in zip(centre, patch, lengths, strict=True):
        start = max(0, min(middle - side // 2, length - side))
        end = min(length, start + side)
        lack = side - (end - start)
        from_.append(start)
        to.append(end)
        pads.append((lack // 2, lack - lack // 2))
    where = tuple(map(slice, from_, to))
    cut_image = np.pad(image[(slice(None), *where)], [(0, 0), *pads])
    return cut_image.astype(np.float32, copy=False), np.pad(labels[where], pads)


def change(
    image: FloatArray,
    labels: LabelArray,
    settings: VolumeAugmentation,
    random: np.random.Generator,
) -> tuple[FloatArray, LabelArray]:
    """Mirror, turn, zoom, change contrast and brightness, add noise, leave sequences out.

    One that shows something always stays.

    Args:
        image: float32, (C, X, Y, Z), normalised; background 0, and it stays 0.
        labels: uint8, (X, Y, Z).
        settings: How much of each.
        random: Source of randomness.
    """
    axes = tuple(axis for axis in range(3) if random.random() < settings.flip)
    image = np.ascontiguousarray(np.flip(image, tuple(axis + 1 for axis in axes)))
    labels = np.ascontiguousarray(np.flip(labels, axes))
    image, labels = _turn_and_zoom(image, labels, settings, random)
    each = (len(image), 1, 1, 1)
    scale = 1 + random.uniform(-settings.scale, settings.scale, each).astype(np.float32)
    shift = random.uniform(-settings.shift, settings.shift, each).astype(np.float32)
    changed = image * scale + shift
    if settings.noise:
        deviation = np.float32(random.uniform(0, settings.noise))
        changed += deviation * random.standard_normal(image.shape, np.float32)
    left_out = random.random(len(image)) < settings.sequence_dropout
    shown = np.flatnonzero(image.any(axis=(1, 2, 3)))
    if len(shown):
        left_out[shown[random.integers(len(shown))]] = False
    changed[(image == 0) | left_out[:, None, None, None]] = 0
    return changed, labels


def _turn_and_zoom(
    image: FloatArray,
    labels: LabelArray,
    settings: VolumeAugmentation,
    random: np.random.Generator,
) -> tuple[FloatArray, LabelArray]:
    """Turn and zoom within X and Y, all slices alike; 0 comes in from outside."""
    if not settings.rotation_deg and settings.zoom == 1:
        return image, labels
    angle = np.deg2rad(random.uniform(-settings.rotation_deg, settings.rotation_deg))
    zoom = settings.zoom ** random.uniform(-1, 1)
    height, width = labels.shape[:2]
    cosine, sine = np.cos(angle) / zoom, np.sin(angle) / zoom
    # Places run from -1 to 1 along either side, whose lengths may differ.
    matrix = [[cosine, -sine * height / width, 0], [sine * width / height, cosine, 0]]
    grid = F.affine_grid(
        torch.tensor([matrix], dtype=torch.float32), [1, 1, height, width], align_corners=False
    )
    changed = _sampled(torch.from_numpy(image), grid, "bilinear").numpy()
    moved = _sampled(torch.from_numpy(labels[None].astype(np.float32)), grid, "nearest")
    return changed, moved[0].numpy().astype(np.uint8)


def _sampled(maps: Tensor, grid: Tensor, mode: str) -> Tensor:
    """(C, X, Y, Z) at the places of a grid over X and Y, slice by slice."""
    channels, height, width, depth = maps.shape
    flat = maps.permute(0, 3, 1, 2).reshape(1, -1, height, width)
    found = F.grid_sample(flat, grid, mode=mode, align_corners=False)
    return found.reshape(channels, depth, height, width).permute(0, 2, 3, 1)
