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
_BRIGHTER = 2.0  # largest factor by which a piece's contrast is changed


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """A batch and what is known of it.

    Attributes:
        layers: float32, (N, 2, H, W), 0..1: pictures and their tumors' masks.
        targets: int64, (N,): class numbers.
        outlined: bool, (N,): whose mask says where the tumor is, or that there is none.
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
        batch: On the CPU.
        config: ``transplant``, ``removal`` and ``decoy`` are the probabilities.
        classes: In the order of the class numbers; without ``no_tumor`` nothing is changed.
        generator: Source of randomness; nothing is drawn where all three are 0.

    Returns:
        A new batch; pictures for which no donor fits stay as they are.
    """
    chances = (config.transplant, config.removal, config.decoy)
    if NO_TUMOR not in classes or sum(chances) == 0:
        return batch
    free = list(classes).index(NO_TUMOR)
    movable = frozenset(number for number, name in enumerate(classes) if name in MOVABLE)
    changed = Labelled(batch.layers.clone(), batch.targets.clone(), batch.outlined.clone())
    lots = torch.rand(len(batch.targets), generator=generator)
    donors = torch.randperm(len(batch.targets), generator=generator).tolist()
    for index, (lot, donor) in enumerate(zip(lots.tolist(), donors, strict=True)):
        if lot < chances[0]:
            _plant(changed, batch, index, donor, movable=movable, free=free)
        elif lot < sum(chances[:2]):
            _cover(changed, batch, index, donor, free=free)
        elif lot < sum(chances):
            _patch(changed, batch, index, donor)
    return changed


def _plant(
    changed: Labelled,
    batch: Labelled,
    index: int,
    donor: int,
    *,
    movable: frozenset[int],
    free: int,
) -> None:
    """The donor's tumor into a tumor-free head."""
    tumor = batch.layers[donor, 1]
    if batch.targets[index] != free or int(batch.targets[donor]) not in movable:
        return
    if tumor.max() < 0.5:
        return
    if _lay(changed.layers[index, 0], batch.layers[donor, 0], _widened(tumor, _RIM)):
        changed.layers[index, 1] = tumor
        changed.targets[index] = batch.targets[donor]


def _cover(changed: Labelled, batch: Labelled, index: int, donor: int, *, free: int) -> None:
    """The picture's own tumor away, under tissue of the other side or of the donor."""
    tumor = batch.layers[index, 1]
    if tumor.max() < 0.5:
        return
    piece = _widened(tumor, _COVER)
    source = _tissue(batch, index, donor, piece)
    if source is not None and _lay(changed.layers[index, 0], source, piece):
        changed.layers[index, 1] = 0
        changed.targets[index] = free


def _patch(changed: Labelled, batch: Labelled, index: int, donor: int) -> None:
    """A piece of healthy tissue, of the donor's tumor's shape, beside the picture's own tumor."""
    shape = batch.layers[donor, 1]
    if donor == index or shape.max() < 0.5 or not batch.outlined[index]:
        return
    piece = _widened(shape, _RIM)
    if (piece * batch.layers[index, 1]).sum() > 0:
        return
    healthy = (donor + 1) % len(batch.targets)
    source = _tissue(batch, index, healthy, piece)
    if source is not None:
        _lay(changed.layers[index, 0], source, piece)


def _tissue(batch: Labelled, index: int, donor: int, piece: Tensor) -> Tensor | None:
    """Pixels free of tumor at the piece's place: of the other side, else of the donor."""
    mirrored = batch.layers[index].flip(-1)
    if _overlap(piece, mirrored[1]) == 0 and _overlap(piece, piece.flip(-1)) < 0.2:
        return mirrored[0]
    if batch.outlined[donor] and donor != index and _overlap(piece, batch.layers[donor, 1]) == 0:
        return batch.layers[donor, 0]
    return None


def _overlap(piece: Tensor, other: Tensor) -> float:
    """How much of a piece lies on another."""
    return float((piece * (other > 0.5)).sum() / piece.sum())


def _lay(picture: Tensor, source: Tensor, piece: Tensor) -> bool:
    """Lay a piece of the source on the picture, in place; whether it fits within both heads."""
    heads = (picture > 0) & (source > 0)
    if (piece * heads).sum() < _WITHIN * piece.sum():
        return False
    ring = (_widened(piece, _RING) > piece) & heads
    if ring.sum() < 20:
        return False
    there, here = picture[ring], source[ring]
    factor = (there.std() / here.std().clamp(min=0.01)).clamp(1 / _BRIGHTER, _BRIGHTER)
    fitted = ((source - here.mean()) * factor + there.mean()).clamp(0, 1)
    soft = _softened(piece) * heads
    picture.copy_(picture * (1 - soft) + fitted * soft)
    return True


def _widened(mask: Tensor, pixels: int) -> Tensor:
    """A mask (H, W), wider by so many pixels on every side; 0 or 1."""
    hard = (mask > 0.5).float()[None, None]
    rows = F.max_pool2d(hard, (2 * pixels + 1, 1), stride=1, padding=(pixels, 0))
    return F.max_pool2d(rows, (1, 2 * pixels + 1), stride=1, padding=(0, pixels))[0, 0]


def _softened(mask: Tensor) -> Tensor:
    """The same with soft edges."""
    size = 2 * (_SEAM // 2) + 1
    return F.avg_pool2d(
        mask[None, None], size, stride=1, padding=size // 2, count_include_pad=False
    )[0, 0]
