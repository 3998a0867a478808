"""Cases -> label maps, pictures, a record and a page in one folder."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tumorlens.errors import ConfigError, ScanContentError, ScanError
from tumorlens.reading import Source
from tumorlens.reading.case import SEQUENCES, Case
from tumorlens.reading.own_files import PAGE, RECORD, Record
from tumorlens.reporting.cases.page import (
    SURFACES,
    Entry,
    make_entry,
    refused_entry,
    render_cases,
)
from tumorlens.reporting.cases.planes import draw_planes
from tumorlens.reporting.cases.upright import upright
from tumorlens.reporting.figure import png_bytes
from tumorlens.reporting.folder import (
    JSON,
    PartialFile,
    alone_in,
    claim_folder,
    write_bytes,
)
from tumorlens.reporting.label_map import write_label_map
from tumorlens.reporting.outline_names import LABEL_MAP, PLANES, Input, claim_names
from tumorlens.reporting.outline_record import OutlineRecord, refusal
from tumorlens.volume_outlining import CaseOutline, VolumeModel, outline_case
from tumorlens.volume_outlining.regions import tissue_names

Watch = Callable[[str, int, int], None]
"""Called with (case, done, total) patches."""


def write_case_segments(
    inputs: Sequence[Input],
    folder: Path,
    *,
    model: VolumeModel,
    refused: Sequence[ScanError] = (),
    flips: bool | None = None,
    skull_strip: str | None = None,
    progress: Watch = lambda _case, _done, _total: None,
) -> Iterator[Record]:
    """Outline the regions in every case, and write what was found.

    Args:
        inputs: From `tumorlens.reporting.outline_inputs.find_inputs`; what is no case is refused.
        folder: Made if absent. A case gives ``<name>_seg.nii.gz`` (0, 1, 2, 4 as in BraTS, on its
            own grid) and ``<name>_planes.png``; all of them ``segments.json`` and
            ``index.html``.
        model: For volumes.
        refused: Errors to record beside.
        flips: Whether to average over mirrored copies; as the card says where None.
        skull_strip: How the skull is taken off first; None to leave heads as they are.
        progress: Told of each patch.

    Yields:
        Each input's record, or the error of one that was refused; the others go on.

    Raises:
        ConfigError: Files of others would be written over (see `claim_names`), the folder cannot
            be written to, another run writes into it, or it holds an ``index.html`` of another
            origin or a report of answers.
    """
    answer = partial(_answer, model=model, flips=flips, skull_strip=skull_strip)
    cases = [one for one in inputs if isinstance(one, Case)]
    claimed = claim_names(cases, folder, lambda _: (LABEL_MAP, PLANES))
    stems = iter(claimed.stems)
    _check_no_other_page(folder)
    claim_folder(folder)
    entries: list[Entry] = []
    with alone_in(folder), OutlineRecord(folder, claimed.files) as record:
        for one in [*refused, *inputs]:
            stem = next(stems) if isinstance(one, Case) else ""
            try:
                outline = answer(one, progress)
            except ScanError as error:
                told = refusal(error)
                entry = refused_entry(error)
            else:
                with_surfaces = sum(entry.error is None for entry in entries) < SURFACES
                told, entry = _write(
                    outline,
                    folder,
                    stem,
                    model,
                    with_surfaces=with_surfaces,
                    skull_strip=skull_strip,
                )
            entries.append(entry)
            record.add(told)
            yield told
        with PartialFile(folder / PAGE) as file:
            file.write(render_cases(model.card, entries))


def _check_no_other_page(folder: Path) -> None:
    """Keep the page of another verb from being written over; records are there before pages."""
    answers = (folder / JSON).exists()
    if answers or ((folder / PAGE).exists() and not (folder / RECORD).exists()):
        what = f"a report of answers in it ({JSON})" if answers else "a page of another origin"
        raise ConfigError(
            expected="a new or empty folder, or one with earlier outlines of heads",
            found=f"{what}, whose {PAGE} would be written over",
            remedy="Choose another folder.",
            source=str(folder),
        )


def _answer(
    one: Input | ScanError,
    progress: Watch,
    *,
    model: VolumeModel,
    flips: bool | None,
    skull_strip: str | None,
) -> CaseOutline:
    if isinstance(one, ScanError):
        raise one
    if isinstance(one, Source):
        raise ScanContentError(
            expected=f"a case: a folder with the volumes {', '.join(SEQUENCES)} of one head, named "
            "after their sequences",
            found="a scan outside such a folder",
            remedy="Put the sequences of one head into one folder (PATIENT_t1.nii.gz, ...), or "
            "leave --model out to outline single scans.",
            source=one.name,
        )
    case: Case = one

    def told(done: int, total: int) -> None:
        progress(case.name, done, total)

    return outline_case(case, model, flips=flips, skull_strip=skull_strip, progress=told)


def _write(
    outline: CaseOutline,
    folder: Path,
    stem: str,
    model: VolumeModel,
    *,
    with_surfaces: bool,
    skull_strip: str | None,
) -> tuple[dict[str, Any], Entry]:
    head = outline.head
    mask, picture = f"{stem}{LABEL_MAP}", f"{stem}{PLANES}"
    first = next(iter(head.volumes.values()))
    write_label_map(folder / mask, outline.labels, first, like=head.file)
    shown = upright(head, outline.labels)
    planes = draw_planes(shown, tissue_names(model.card.regions))
    write_bytes(folder / picture, png_bytes(planes))
    card = model.card
    record = {
        "source": head.source,
        "mask": mask,
        "picture": picture,
        "sequences": list(head.volumes),
        "missing": list(outline.missing),
        "volumes_ml": {
            name: None if ml is None else round(ml, 3) for name, ml in outline.volumes_ml.items()
        },
        "notes": list(outline.notes),
        "model": card.identity.to_json(),
        "skull_strip": skull_strip,
    }
    entry = make_entry(outline, shown, planes, with_surfaces=with_surfaces, skull_strip=skull_strip)
    return record, entry
