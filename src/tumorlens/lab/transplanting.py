"""Tumors moved to other heads, and taken out of their own.

Where tumors come from one scanner and tumor-free heads from another, a network learns the scanner.
So some tumors are laid into other patients' tumor-free heads (and are tumors there), some are
covered with tissue of the other side or of another head (and are gone), and some heads get a
piece of healthy tissue in the same manner, without a change of label, so that the seam itself
says nothing.

After S. Yun and others, "CutMix", ICCV 2019, arXiv:1905.04899, and G. Ghiasi and others, "Simple
Copy-Paste", CVPR 2021, arXiv:2012.07177, with the outline in place of a box, soft seams, and the
piece brought to the brightness and contrast of its new surroundings.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812  (PyTorch's own custom)
from torch import Generator, Tensor

from tumorlens.lab.config import AugmentationConfig
from tumorlens.labels import GLIOMA, MENINGIOMA, NO_TUMOR

MOVABLE = (GLIOMA, MENINGIOMA)
"""A pituitary tumor anywhere but at the pituitary gland would teach a wrong place."""

_SEAM = 5  # pixels over which a piece fades into its surroundings, at each side
_RIM = 4  # pixels around a tumor that move along with it
_COVER = 8  # pixels around a tumor that are covered with it
_RING = 12  # pixels around a piece whose brightness and contrast it takes over
_WITHIN = 0.95  # of a piece must lie within the head
_FEWEST = 20  # pixels of such a ring
_BRIGHTER = 2.0  # largest factor by which a piece's contrast is changed


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """A batch and what is known of it.

    Attributes:
        layers: float32, (N, 2, H, W), 0..1: pictures and their tumors' masks.
        targets: int64, (N,): class numbers.
        outlined: bool, (N,), on the CPU: whose mask says where the tumor is, or that there is
            none.
    """

    layers: Tensor
    targets: Tensor
    outlined: Tensor


def transplant(
    batch: Labelled,
    config: AugmentationConfig,
    *,
    classes: Sequence[str],
    generator: Generator,
) -> Labelled:
    """Move, cover and patch at random.

    Args:
        batch: Its targets on the CPU, its layers on any device.
        config: ``transplant``, ``removal`` and ``decoy`` are the probabilities.
        classes: In the order of the class numbers; without ``no_tumor`` nothing is changed.
        generator: Source of randomness, on the CPU; nothing is drawn where all three are 0.

    Returns:
        A new batch, its targets beside its layers; pictures for which no donor fits stay as they
        are.
    """
    chances = (config.transplant, config.removal, config.decoy)
    if NO_TUMOR not in classes or sum(chances) == 0:
        return batch
    free = list(classes).index(NO_TUMOR)
    movable = torch.tensor([number for number, name in enumerate(classes) if name in MOVABLE])
    lots = torch.rand(len(batch.targets), generator=generator)
    donors = torch.randperm(len(batch.targets), generator=generator)
    layers = batch.layers.clone()
    targets = batch.targets.to(layers.device, copy=True)
    is_free, is_movable = batch.targets == free, torch.isin(batch.targets, movable)
    shown = batch.outlined & ~is_free  # whose mask shows a tumor

    own = _numbers(is_free & is_movable[donors], lots, 0, chances[0])
    _plant(layers, targets, batch, own, donors[own])
    own = _numbers(shown, lots, chances[0], sum(chances[:2]))
    _cover(layers, targets, batch, own, donors[own], free=free)
    apart = donors != torch.arange(len(donors))
    own = _numbers(batch.outlined & apart & shown[donors], lots, sum(chances[:2]), sum(chances))
    _patch(layers, batch, own, donors[own])
    return Labelled(layers, targets, batch.outlined)


def _numbers(fits: Tensor, lots: Tensor, low: float, high: float) -> Tensor:
    """Numbers of the pictures that fit and whose lot fell on this change."""
    return torch.nonzero(fits & (lots >= low) & (lots < high)).flatten()


def _plant(layers: Tensor, targets: Tensor, batch: Labelled, own: Tensor, donors: Tensor) -> None:
    """The donors' tumors into tumor-free heads, in place."""
    if not len(own):
        return
    tumors = batch.layers[donors, 1]
    laid, fits = _laid(batch.layers[own, 0], batch.layers[donors, 0], _widened(tumors, _RIM))
    layers[own, 0] = laid
    layers[own, 1] = torch.where(fits[:, None, None], tumors, batch.layers[own, 1])
    taken = batch.targets[donors].to(targets.device)
    targets[own] = torch.where(fits, taken, targets[own])


def _cover(
    layers: Tensor, targets: Tensor, batch: Labelled, own: Tensor, donors: Tensor, *, free: int
) -> None:
    """The pictures' own tumors away, under tissue of the other side or of a donor, in place."""
    if not len(own):
        return
    tumors = batch.layers[own, 1]
    pieces = _widened(tumors, _COVER)
    sources, found = _tissue(batch, own, donors, pieces)
    laid, fits = _laid(batch.layers[own, 0], sources, pieces * found[:, None, None])
    layers[own, 0] = laid
    layers[own, 1] = tumors * ~fits[:, None, None]
    targets[own] = torch.where(fits, free, targets[own])


def _patch(layers: Tensor, batch: Labelled, own: Tensor, donors: Tensor) -> None:
    """Pieces of healthy tissue, of the donors' tumors' shapes, beside the pictures' own tumors."""
    if not len(own):
        return
    pieces = _widened(batch.layers[donors, 1], _RIM)
    sources, found = _tissue(batch, own, (donors + 1) % len(batch.targets), pieces)
    beside = (pieces * batch.layers[own, 1]).sum(dim=(1, 2)) == 0
    layers[own, 0], _ = _laid(
        batch.layers[own, 0], sources, pieces * (found & beside)[:, None, None]
    )


def _tissue(batch: Labelled, own: Tensor, donors: Tensor, pieces: Tensor) -> tuple[Tensor, Tensor]:
    """Pixels free of tumor at the pieces' places, (K, H, W), and for which there are some, (K,).

    Of the other side of the same head, else of the donor.
    """
    mirrored = batch.layers[own].flip(-1)
    other_side = _overlap(pieces, mirrored[:, 1]) == 0
    other_side &= _overlap(pieces, pieces.flip(-1)) < 0.2
    known = (batch.outlined[donors] & (donors != own)).to(pieces.device)
    of_donor = known & (_overlap(pieces, batch.layers[donors, 1]) == 0)
    sources = torch.where(other_side[:, None, None], mirrored[:, 0], batch.layers[donors, 0])
    return sources, other_side | of_donor


def _overlap(pieces: Tensor, others: Tensor) -> Tensor:
    """How much of each piece lies on another, (K,)."""
    common = (pieces * (others > 0.5)).sum(dim=(1, 2))
    return common / pieces.sum(dim=(1, 2)).clamp(min=1)


def _laid(pictures: Tensor, sources: Tensor, pieces: Tensor) -> tuple[Tensor, Tensor]:
    """The pictures with pieces of the sources on them, (K, H, W), and which of them fit, (K,).

    A piece fits that is not empty and lies within both heads.
    """
    heads = (pictures > 0) & (sources > 0)
    areas = pieces.sum(dim=(1, 2))
    rings = ((_widened(pieces, _RING) > pieces) & heads).float()
    fits = (areas > 0) & ((pieces * heads).sum(dim=(1, 2)) >= _WITHIN * areas)
    fits &= rings.sum(dim=(1, 2)) >= _FEWEST
    there_mean, there_std = _spread(pictures, rings)
    here_mean, here_std = _spread(sources, rings)
    factor = (there_std / here_std.clamp(min=0.01)).clamp(1 / _BRIGHTER, _BRIGHTER)
    fitted = ((sources - here_mean) * factor + there_mean).clamp(0, 1)
    soft = _softened(pieces) * (heads & fits[:, None, None])
    return pictures * (1 - soft) + fitted * soft, fits


def _spread(pictures: Tensor, where: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each picture's pixels at some places, (K, 1, 1) each."""
    count = where.sum(dim=(1, 2), keepdim=True).clamp(min=2)
    mean = (pictures * where).sum(dim=(1, 2), keepdim=True) / count
    squares = ((pictures - mean) ** 2 * where).sum(dim=(1, 2), keepdim=True)
    return mean, (squares / (count - 1)).sqrt()


def _widened(masks: Tensor, pixels: int) -> Tensor:
    """Masks (K, H, W), wider by so many pixels on every side; 0 or 1."""
    hard = (masks > 0.5).float().unsqueeze(1)
    rows = F.max_pool2d(hard, (2 * pixels + 1, 1), stride=1, padding=(pixels, 0))
    return F.max_pool2d(rows, (1, 2 * pixels + 1), stride=1, padding=(0, pixels))[:, 0]


def _softened(masks: Tensor) -> Tensor:
    """The same, (K, H, W), with soft edges."""
    size = 2 * (_SEAM // 2) + 1
    return F.avg_pool2d(
        masks.unsqueeze(1), size, stride=1, padding=size // 2, count_include_pad=False
    )[:, 0]
