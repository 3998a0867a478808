from pathlib import Path

import numpy as np
import torch

from tumorlens.lab.blending import blend, find_siblings
from tumorlens.lab.datasets import Example


def slice_of(patient: str, name: str, *, number: int | None = None, whole: bool = True) -> Example:
    return Example(
        Path(f"{patient}/{name}.jpg"),
        f"made/{patient}/{name}.jpg",
        "glioma",
        patient,
        patient,
        "made",
        whole_head=whole,
        slice_index=number,
    )


def head(left: int = 4) -> np.ndarray:
    pixels = np.zeros((16, 16), np.uint8)
    pixels[2:14, left:14] = 100
    return pixels


def test_siblings_are_other_sequences_of_the_same_slice_of_the_same_patient() -> None:
    examples = [
        slice_of("a", "flair_07"),
        slice_of("a", "t1c_07"),
        slice_of("a", "t1c_08"),
        slice_of("b", "t1c_07"),
        slice_of("c", "volume", number=7),
        slice_of("c", "other", number=7),
        slice_of("d", "x_07", whole=False),
        slice_of("d", "y_07", whole=False),
    ]
    pixels = np.stack([head()] * len(examples))
    found = find_siblings(examples, pixels)
    assert found.tolist() == [[1, 1], [0, 0], [2, 2], [3, 3], [5, 5], [4, 4], [6, 6], [7, 7]]


def test_heads_that_were_cropped_otherwise_are_no_siblings() -> None:
    examples = [slice_of("a", "flair_07"), slice_of("a", "t1c_07")]
    assert find_siblings(examples, np.stack([head(), head(left=8)])).tolist() == [[0, 0], [1, 1]]


def test_blends_lie_between_both_pictures() -> None:
    pixels = np.stack([np.full((4, 4), 51, np.uint8), np.full((4, 4), 204, np.uint8)])
    siblings = np.array([[1, 1], [0, 0]])
    batch = np.array([0] * 50)
    pictures = torch.full((50, 1, 4, 4), 0.2)
    generator = torch.Generator().manual_seed(0)
    blended = blend(pictures, batch, siblings, pixels, 1.0, generator=generator)
    values = blended[:, 0, 0, 0]
    assert 0.2 <= values.min() < 0.3
    assert 0.7 < values.max() <= 0.8
    assert blend(pictures, batch, siblings, pixels, 0.0, generator=generator) is pictures


def test_a_picture_without_sibling_stays_as_it_is() -> None:
    pixels = np.full((1, 4, 4), 102, np.uint8)
    pictures = torch.full((1, 1, 4, 4), 0.4)
    generator = torch.Generator().manual_seed(0)
    same = blend(pictures, np.array([0]), np.array([[0, 0]]), pixels, 1.0, generator=generator)
    torch.testing.assert_close(same, pictures)
