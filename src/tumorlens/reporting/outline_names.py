"""How the files of outlines are called, and that writing them destroys nothing of others."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tumorlens.errors import ConfigError
from tumorlens.reading import Source
from tumorlens.reading.case import Case
from tumorlens.reading.own_files import RECORD, own_outlines, read_record, real_path
from tumorlens.reporting.folder import FileNames

MASK, LABEL_MAP, PLANES = ".mask.png", "_seg.nii.gz", "_planes.png"
"""How the files of outlines end: of pictures, of volumes and cases, and what is drawn of these."""

DICOM_OUTLINE, DICOM_REPORT = "_seg.dcm", "_sr.dcm"
"""How the DICOM objects of an input end."""

Input = Source | Case

Ends = Callable[[Input], Sequence[str]]
"""How the names of the files that an input may give end."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """Names that a run may write under.

    Attributes:
        stems: For each input a name without end, in order.
        files: The names of all files that the inputs may give.
    """

    stems: tuple[str, ...]
    files: frozenset[str]


def claim_names(inputs: Sequence[Input], folder: Path, ends: Ends) -> Claimed:
    """Name the files that the inputs may give, none of which is anybody else's.

    Args:
        inputs: In the order in which they are outlined.
        folder: Where their files go.
        ends: Of the names of one input's files.

    Raises:
        ConfigError: The folder is that of a case, or a file stands under one of the names, or
            under that of the record, that no earlier run wrote.
    """
    place = real_path(folder)
    if any(isinstance(one, Case) and real_path(one.folder) == place for one in inputs):
        raise _not_apart("the folder of a case, whose files might be written over", folder)
    names = FileNames()
    stems = tuple(names.name(one.name) for one in inputs)
    named = zip(inputs, stems, strict=True)
    files = frozenset(f"{stem}{end}" for one, stem in named for end in ends(one))
    foreign = files - own_outlines(folder)
    if read_record(folder) is None:
        foreign |= {RECORD}
    for name in sorted(foreign):
        if os.path.lexists(folder / name):
            raise _not_apart(f"a file {name} that no earlier run wrote", folder)
    return Claimed(stems, files)


def _not_apart(found: str, folder: Path) -> ConfigError:
    return ConfigError(
        expected="a folder where outlines write nothing over",
        found=found,
        remedy="Choose another folder.",
        source=str(folder),
    )
