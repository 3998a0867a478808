"""What the pictures that a run learnt from looked like, so that copies elsewhere are known again.

A fingerprint is the SHA-256 of a prepared picture: the same whatever file or folder it comes
from, if it is prepared alike.
"""

import csv
import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tumorlens.lab.pictures import ByteArray, Pictures
from tumorlens.reporting.folder import PartialFile

FINGERPRINTS = "fingerprints.csv"
"""Within a run folder."""
COLUMNS = ("picture", "sha256")


def fingerprint(pixels: ByteArray) -> str:
    """Of one prepared picture, uint8, (size, size): SHA-256 in hexadecimal."""
    return hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()


def write_fingerprints(path: Path, pictures: Pictures, training: Sequence[int]) -> None:
    """Record, one line a picture of the training part: its name and fingerprint.

    Args:
        path: The file to write.
        pictures: All of the run's, as they are prepared for it.
        training: Indices of those that train.

    Raises:
        ConfigError: It cannot be written.
    """
    with PartialFile(path) as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(
            (pictures.examples[index].picture, fingerprint(pictures.pixels[index]))
            for index in training
        )


def read_fingerprints(path: Path) -> frozenset[str] | None:
    """The fingerprints that a run recorded; None where it did not, or where they are damaged."""
    try:
        with path.open(newline="", encoding="utf-8", errors="surrogateescape") as lines:
            reader = csv.DictReader(lines)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                return None
            return frozenset(row["sha256"] for row in reader)
    except (OSError, ValueError, csv.Error):
        return None
