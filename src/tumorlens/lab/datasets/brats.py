"""BraTS 2018 to 2023: whole heads as NIfTI, skull-stripped, 1 mm, with the tumor's tissues.

B. H. Menze and others, "The Multimodal Brain Tumor Image Segmentation Benchmark (BRATS)", IEEE
TMI 34(10), 2015, doi:10.1109/TMI.2014.2377694; S. Bakas and others, Scientific Data 4, 2017,
doi:10.1038/sdata.2017.117; U. Baid and others, arXiv:2107.02314 (2021). Training cases: 285
(2018), 335 (2019), 369 (2020), 1,251 (2021 and 2023, adult glioma). Terms of the challenge,
with registration. Each year holds most cases of the year before under other names, and some
patients are of TCGA-LGG, as all of the LGG set are: read one year only.

Read in both styles of names, in sub-folders (``HGG/``, ``LGG/``, ``MICCAI_BraTS...``,
``ASNR-MICCAI-...``) or not, gzipped or not::

    BraTS20_Training_001/BraTS20_Training_001_{t1,t1ce,t2,flair,seg}.nii
    BraTS-GLI-00000-000/BraTS-GLI-00000-000-{t1n,t1c,t2w,t2f,seg}.nii.gz

Cases of 2023 that differ in their last number only are one patient at several times. Cases named
``BraTS-MEN-`` are meningiomas, ``BraTS-MET-`` metastases, all others gliomas.
"""

import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tumorlens import labels
from tumorlens.errors import DataError
from tumorlens.lab.datasets.example import (
    MIN_TUMOR_PIXELS,
    About,
    Example,
    folders_in,
    picture_name,
)
from tumorlens.lab.datasets.pixels import load_volumes

ABOUT = About(
    title="BraTS 2018 to 2023",
    content="whole heads, T1, T1 with contrast, T2, FLAIR, skull-stripped, outlines; NIfTI",
    count="285 (2018), 335 (2019), 369 (2020), 1,251 (2021, 2023) training cases",
    labels="glioma where a slice shows tumor, else no_tumor (2023 also meningioma)",
    patients=True,
    licence="terms of the challenge, with registration",
    address="https://www.synapse.org/brats",
    recognised_by="case folders such as BraTS20_Training_001 or BraTS-GLI-00000-000 with NIfTI "
    "files of the same name, also inside HGG/, LGG/, MICCAI_BraTS..., ASNR-MICCAI-...",
)

SEQUENCES = {
    "t1": "t1",
    "t1n": "t1",
    "t1ce": "t1c",
    "t1gd": "t1c",
    "t1c": "t1c",
    "t2": "t2",
    "t2w": "t2",
    "flair": "flair",
    "t2f": "flair",
}
"""How the years call the sequences -> what they are called here."""

MIN_BRAIN = 0.2
"""Slices with less brain, as part of the slice with most, are left out, as `predict` does."""

_FILE = re.compile(r"(.+)[_-](t1|t1n|t1ce|t1gd|t1c|t2|t2w|flair|t2f|seg)\.nii(\.gz)?$", re.I)
_SEG = re.compile(r"segm?\.nii(\.gz)?$", re.I)  # one case of 2020 is named W39_..._Segm.nii
_OUTLINE = "outline"
_CASE_NAME = re.compile(r"brats\d*[_-]?(training|validation|gli|men|met|ped|ssa|\d+)", re.I)
_WRAPPER = re.compile(r"^(HGG|LGG)$|(?i:^MICCAI|^ASNR|training_?data)")
_WITHOUT_OUTLINES = re.compile(r"validation|testing", re.I)
_TIME = re.compile(r"(BraTS-[A-Z]+-\d+)-\d+$")
_KINDS = {"BraTS-MEN": labels.MENINGIOMA, "BraTS-MET": "metastasis"}


@dataclass(frozen=True, slots=True)
class BratsCase:
    """One head: its folder, its sequences' files and its outline's."""

    folder: Path
    sequences: dict[str, Path]
    outline: Path

    @property
    def patient(self) -> str:
        """Who it is: cases of 2023 that differ in their last number only are one patient's."""
        name = self.folder.name
        return time[1] if (time := _TIME.match(name)) else name


def matches(folder: Path) -> bool:
    """Whether folders of cases lie in it, or it is one itself."""
    return bool(_case_folders(folder))


def leaves_out(path: Path) -> bool:
    """Other volumes beside a case's sequences."""
    return path.name.lower().endswith((".nii", ".nii.gz"))


def read(folder: Path) -> list[Example]:
    """One example an axial slice and sequence, grouped by patient.

    The label is that of the case's tumor where the outline has `MIN_TUMOR_PIXELS` in the slice,
    and ``no_tumor`` where it has none; slices between the two, and those with hardly any brain,
    are left out. All outlines are unpacked, and one sequence of each case.

    Raises:
        DataError: A case lacks its outline or a sequence that others have, has something
            twice, or its volumes have different sizes, lie in different places or are damaged.
    """
    cases = find_cases(folder)
    _refuse_unequal(cases)
    with ThreadPoolExecutor() as threads:
        return [
            e for found in threads.map(lambda case: _slices(folder, case), cases) for e in found
        ]


def find_cases(folder: Path) -> list[BratsCase]:
    """The cases in a folder as downloaded, in the order of their folders' names.

    Raises:
        DataError: A case lacks its outline, or all of its sequences, or has something twice.
    """
    return [_case(path) for path in _case_folders(folder)]


def _case_folders(folder: Path) -> list[Path]:
    """The cases' folders, also inside the folders that the downloads wrap them in."""
    if _is_case(folder):
        return [folder]
    inner = [path for path in folders_in(folder) if not _is_unlabelled(path)]
    cases = [path for path in inner if _is_case(path)]
    if cases:
        return [path for path in inner if path in cases or _CASE_NAME.match(path.name)]
    if all(_WRAPPER.search(path.name) for path in inner):
        return [case for path in inner for case in _case_folders(path)]
    return []


def _is_unlabelled(folder: Path) -> bool:
    """Whether a folder holds the challenge's validation cases, which come without outlines."""
    return bool(_WITHOUT_OUTLINES.search(folder.name)) and not _is_case(folder)


def _is_case(folder: Path) -> bool:
    names = (_FILE.match(path.name) for path in folder.iterdir())
    return any(name[1].lower() == folder.name.lower() for name in names if name)


def _case(folder: Path) -> BratsCase:
    sequences = _files(folder)
    outline = sequences.pop(_OUTLINE, None)
    if outline is None or not sequences:
        what = "outline (seg)" if sequences else "sequences and no outline"
        raise DataError(
            expected="the sequences and the outline (seg) of each case, as NIfTI",
            found=f"no {what} in {folder.name}",
            remedy="Download this case again, or delete its folder; the challenge's validation "
            "cases have no outlines.",
            source=str(folder),
        )
    return BratsCase(folder, dict(sorted(sequences.items())), outline)


def _files(folder: Path) -> dict[str, Path]:
    """The file of each sequence, and the ``outline``.

    Raises:
        DataError: One of them stands there twice.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        what = _content(path.name)
        if what is None:
            continue
        if what in found:
            raise DataError(
                expected="each sequence of a case once, and one outline",
                found=f"{what} twice: {found[what].name} and {path.name}",
                remedy="Move the one that does not belong to the case away.",
                source=str(folder),
            )
        found[what] = path
    return found


def _content(name: str) -> str | None:
    """The sequence that a file holds, or ``outline``; None where its name says neither."""
    if name.startswith("."):
        return None
    if _SEG.search(name):
        return _OUTLINE
    sequence = _FILE.match(name)
    return SEQUENCES[sequence[2].lower()] if sequence else None


def _refuse_unequal(cases: Iterable[BratsCase]) -> None:
    """A sequence that all lack was left out on purpose; one that some lack is missing."""
    every = {sequence for case in cases for sequence in case.sequences}
    lacking = [(case, every - set(case.sequences)) for case in cases]
    lacking = [(case, absent) for case, absent in lacking if absent]
    if lacking:
        case, absent = lacking[0]
        raise DataError(
            expected=f"the sequences {', '.join(sorted(every))} of each case",
            found=f"{len(lacking)} cases without some, the first {case.folder.name} without "
            f"{', '.join(sorted(absent))}",
            remedy="Download these cases again, or delete their folders.",
            source=str(case.folder),
        )


def _slices(folder: Path, case: BratsCase) -> list[Example]:
    volumes = load_volumes()
    first = next(iter(case.sequences.values()))
    volumes.check_same_grid([*case.sequences.values()])
    tumor = volumes.slice_areas(case.outline, like=first)
    brain = volumes.slice_areas(first, like=first)
    plane = volumes.plane_of(first)
    name = case.folder.name
    label = next((kind for start, kind in _KINDS.items() if name.startswith(start)), labels.GLIOMA)
    return [
        Example(
            path=path,
            picture=f"{picture_name(path, root=folder)}#{index}",
            label=label if tumor[index] else labels.NO_TUMOR,
            group=f"{folder.name}:{case.patient}",
            patient=case.patient,
            dataset=folder.name,
            whole_head=True,
            mask=case.outline if tumor[index] else None,
            slice_index=index,
            sequence=sequence,
            plane=plane,
            mask_above=0,
        )
        for sequence, path in case.sequences.items()
        for index in range(len(brain))
        if brain[index] >= MIN_BRAIN * brain.max() and not 0 < tumor[index] < MIN_TUMOR_PIXELS
    ]
