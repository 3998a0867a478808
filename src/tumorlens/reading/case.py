"""A case: one head in several MR sequences, each a NIfTI volume in one folder, as in BraTS."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tumorlens.errors import ScanContentError
from tumorlens.reading.nifti_header import affine_read_by, read_header, volume_shape
from tumorlens.reading.places import farthest_mm, is_same_place
from tumorlens.reading.sequence import guess_sequence, without_target

SEQUENCES = ("t1", "t1c", "t2", "flair")
"""What a whole case has."""

_SUFFIXES = (".nii", ".nii.gz")
_SUBJECT = re.compile(r"sub-[a-z0-9]+(_ses-[a-z0-9]+)?", re.IGNORECASE)
_LABELS = ("seg", "segm", "mask", "label", "labels")


@dataclass(frozen=True, slots=True)
class Case:
    """One head in several sequences.

    Attributes:
        name: The folder's; where BIDS names the files, whose folder is always called ``anat``, the
            subject and session (``sub-01_ses-1``).
        files: The volume of each sequence, in the order of `SEQUENCES`; at least two.
        passed_over: Other volumes of the same head, whose names tell no sequence of a case.
    """

    name: str
    files: Mapping[str, Path]
    passed_over: tuple[Path, ...] = ()

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return next(iter(self.files.values())).parent

    @property
    def missing(self) -> tuple[str, ...]:
        """The sequences that a whole case would have, and this one has not."""
        return tuple(name for name in SEQUENCES if name not in self.files)


def find_case(folder: Path) -> Case | None:
    """The case in a folder, told by the names of its volumes; None where there is none.

    The last word of a name tells its sequence, and the words that not all names share whether a T1
    is one with contrast (``sub-01_ce-GD_T1w.nii.gz`` beside ``sub-01_T2w.nii.gz``): what all share
    may be a patient's name.

    Label maps (``..._seg.nii.gz``) are no sequences, and hidden files are none of ours. Volumes of
    other names (``HEAD_adc.nii.gz``, ``sub-01_PDw.nii.gz``) are passed over where all names begin
    alike, in BIDS with one subject and session; where they do not, the folder is one of separate
    scans.

    Raises:
        ScanContentError: A sequence stands there twice, or the volumes have different grids.
        ScanError: A volume's header cannot be read.
    """
    volumes = [
        path
        for path in sorted(folder.iterdir())
        if path.name.lower().endswith(_SUFFIXES)
        and not path.name.startswith(".")
        and not is_label_map(path)
    ]
    named = list(zip(_sequences(volumes), volumes, strict=True))
    others = tuple(path for name, path in named if name is None)
    begins = {_head(path) for path in volumes}
    is_one_head = len(begins) == 1 or not (others or any(map(_SUBJECT.match, begins)))
    if len({name for name, _ in named if name}) < 2 or not is_one_head:
        return None
    for name in SEQUENCES:
        twice = [path.name for found, path in named if found == name]
        if len(twice) > 1:
            raise ScanContentError(
                expected="each sequence once",
                found=f"{name} {len(twice)} times: {', '.join(twice)}",
                remedy="Move the others away, or name the files after their sequences.",
                source=str(folder),
            )
    by_name = {name: path for name, path in named if name}
    files = {name: by_name[name] for name in SEQUENCES if name in by_name}
    subject = _SUBJECT.match(volumes[0].name)
    case = Case(subject[0] if subject else folder.name, files, others)
    check_grids(case, folder)
    return case


def is_label_map(path: Path) -> bool:
    """Whether a file's name says that it holds labels, no scan."""
    return _words(path)[1] in _LABELS


def _sequences(volumes: Sequence[Path]) -> list[str | None]:
    """What the volumes of one folder are, by their names."""
    words = [re.split(r"[-_. ]+", path.name.lower()) for path in volumes]
    shared = set.intersection(*map(set, words)) if words else set()
    return [_sequence(path, own, shared) for path, own in zip(volumes, words, strict=True)]


def _sequence(path: Path, words: Sequence[str], shared: Collection[str]) -> str | None:
    """By the last word of the name, else by all of it: patients have names too."""
    name = without_target(path.name)
    found, whole = guess_sequence(_words(Path(name))[1]), guess_sequence(name)
    if found is None or (found == "flair" and whole in ("t1", "t1c")):  # T1 FLAIR is a T1
        return whole
    own = " ".join(word for word in words if word not in shared)
    enhanced = found == "t1" and guess_sequence(f"{own} t1") == "t1c"
    return "t1c" if enhanced else found


def _head(path: Path) -> str:
    """What the names of one head share: BIDS' subject and session, else all but the last word."""
    subject = _SUBJECT.match(path.name.lower())
    return subject[0] if subject else _words(path)[0]


def _words(path: Path) -> tuple[str, str]:
    """What the name begins with, and its last word."""
    stem = path.name.lower().removesuffix(".gz").removesuffix(".nii")
    begin, _, last = stem.replace("-", "_").rpartition("_")
    return begin, last


def check_grids(case: Case, folder: Path) -> None:
    """Hold the volumes of a case to one shape and affine; only headers are read.

    Raises:
        ScanContentError: They differ, or a file holds several volumes.
        ScanError: A header cannot be read (`tumorlens.reading.nifti_header.read_header`).
    """
    grids = {}
    for name, path in case.files.items():
        header = read_header(path)
        grids[name] = (volume_shape(header, source=str(path)), affine_read_by(header))
    first, *others = grids
    for other in others:
        (shape, affine), (its_shape, its_affine) = grids[first], grids[other]
        if shape != its_shape:
            raise _apart(f"different shapes: {first} {shape}, {other} {its_shape}", folder)
        if not is_same_place(affine, its_affine, shape):
            away = f"{farthest_mm(affine, its_affine, shape):.3g} mm"
            raise _apart(f"different affines: {other} up to {away} away from {first}", folder)


def _apart(found: str, folder: Path) -> ScanContentError:
    return ScanContentError(
        expected="sequences on one grid",
        found=found,
        remedy="Register and resample them to one of them first, or give one of them by its own "
        "path: FLAIR, where there is one.",
        source=str(folder),
    )
