"""Sequences of one slice, blended: contrasts that no scanner made, of the same tumor.

Where a head was scanned in several sequences, any weighted mean of two is one more picture of the
same slice with the same outline. A network that sees many of them leans less on what one sequence
looks like.
"""

import re
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Generator, Tensor

from tumorlens.lab.datasets import Example
from tumorlens.lab.within_reach import Bytes, to_float

MIN_HEADS_IN_COMMON = 0.92
"""Of both heads together; sequences whose heads were cropped otherwise are not blended."""

_NUMBER = re.compile(r"(\d+)$")


def find_siblings(
    examples: Sequence[Example], pixels: npt.NDArray[np.uint8]
) -> npt.NDArray[np.int64]:
    """Of each picture, another sequence of the same slice.

    Args:
        examples: Of whole heads; others have no siblings.
        pixels: uint8, (pictures, size, size), prepared; black outside the head.

    Returns:
        int64, (pictures, 2): numbers of up to two siblings; its own where there are fewer.
    """
    slices: dict[tuple[str, str | None, int], list[int]] = defaultdict(list)
    for index, example in enumerate(examples):
        number = _slice_number(example)
        if example.whole_head and number is not None:
            slices[example.dataset, example.patient, number].append(index)
    siblings = np.repeat(np.arange(len(examples), dtype=np.int64)[:, None], 2, axis=1)
    for members in slices.values():
        for index in members:
            near = [
                other
                for other in members
                if other != index and _in_common(pixels[index], pixels[other])
            ]
            if near:
                siblings[index] = near[0], near[-1]
    return siblings


def _slice_number(example: Example) -> int | None:
    if example.slice_index is not None:
        return example.slice_index
    found = _NUMBER.search(example.path.stem)
    return int(found.group(1)) if found else None


def _in_common(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> bool:
    both = np.count_nonzero((one > 0) & (other > 0))
    return bool(both >= MIN_HEADS_IN_COMMON * np.count_nonzero((one > 0) | (other > 0)))


def blend(
    pictures: Tensor,
    batch: npt.NDArray[np.int64],
    siblings: npt.NDArray[np.int64],
    pixels: Bytes,
    probability: float,
    *,
    generator: Generator,
) -> Tensor:
    """Blend some pictures of a batch with a sibling.

    Args:
        pictures: float32, (N, 1, H, W), 0..1.
        batch: int64, (N,): their numbers.
        siblings: As `find_siblings` gives them.
        pixels: uint8, (pictures, H, W): all prepared pictures.
        probability: Of a blend; nothing is drawn where it is 0.
        generator: Source of randomness, on the CPU.

    Returns:
        float32, (N, 1, H, W), 0..1.
    """
    if probability == 0:
        return pictures
    count = len(batch)
    blended = torch.rand(count, generator=generator) < probability
    which = torch.randint(2, (count,), generator=generator).numpy()
    part = torch.rand(count, generator=generator) * blended
    other = to_float(pixels, siblings[batch, which]).to(pictures.device)
    part = part.view(-1, 1, 1, 1).to(pictures.device)
    return pictures * (1 - part) + other * part
