"""Computed tomograms among pictures that are said to be of MRI.

Br35H, BRISC and Kaggle's Sartaj set were gathered from the web, and some pictures in them are CT:
bone as white as the level goes, flat gray tissue, sometimes the table below the head. 5,335
pictures of the three sets were ranked by a support vector machine on the embeddings of the bundled
model, the 300 that are most like CT were looked at, and the 132 that are CT stand in
``tomograms.csv``; a CT of a lower rank would have been missed.

They are known by their looks, so that copies of other sizes and encodings are found too: one bit
for each two neighbours of 17 x 16 gray levels, whichever is brighter (N. Krawetz, "Kind of Like
That", 2013). Encoded again at 128 to 512 pixels they differ in 16 of 256 bits at most, from all
other pictures of the three sets in at least 47.
"""

import csv
from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt
from PIL import Image

LISTED = "tomograms.csv"

_SIDE = 16
_NEAR = 30  # bits

Looks = npt.NDArray[np.bool_]


def are_tomograms(pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Which prepared pictures are known to be CT: bool, (pictures,).

    Args:
        pictures: uint8, (pictures, size, size), cut to the head as `tumorlens.prepare` does.
    """
    known = known_tomograms()
    found = (np.count_nonzero(looks_of(picture) != known, axis=1).min() for picture in pictures)
    return np.fromiter((bits <= _NEAR for bits in found), bool, len(pictures))


def looks_of(picture: npt.NDArray[np.uint8]) -> Looks:
    """Which of neighbouring gray levels is brighter: bool, (256,)."""
    small = Image.fromarray(picture).resize((_SIDE + 1, _SIDE), Image.Resampling.BOX)
    levels = np.asarray(small, np.int16)
    return np.asarray(levels[:, 1:] > levels[:, :-1]).ravel()


@cache
def known_tomograms() -> Looks:
    """The looks of the pictures of ``tomograms.csv``: bool, (tomograms, 256), each once."""
    text = resources.files(__package__).joinpath(LISTED).read_text()
    codes = sorted({row["looks"] for row in csv.DictReader(text.splitlines())})
    packed = np.array([list(bytes.fromhex(code)) for code in codes], np.uint8)
    return np.unpackbits(packed, axis=1).astype(bool)
