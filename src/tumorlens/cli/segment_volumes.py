"""``tumorlens segment`` with a model for volumes: cases in, label maps of regions out."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tumorlens.cli.passed_over import tell_other_volumes, tell_passed_over
from tumorlens.cli.skull_stripping import chosen_method
from tumorlens.reporting.wording import printable

if TYPE_CHECKING:
    from rich.table import Table


def segment_volumes(
    paths: Sequence[str], output: Path, model: Path, *, flips: bool | None, skull_strip: str | None
) -> list[dict[str, Any]]:
    """Outline the regions of the tumor in every case; the records, also of those refused."""
    from tumorlens.cli.progress import bars
    from tumorlens.reporting.cases import write_case_segments
    from tumorlens.reporting.outline_inputs import find_inputs
    from tumorlens.volume_outlining import load_volume_model

    loaded = load_volume_model(model)
    found = find_inputs(paths, output=output)
    tell_passed_over(found.passed_over)
    tell_other_volumes(found.inputs)
    with bars(transient=True) as progress:
        task = progress.add_task("", total=None)

        def told(case: str, done: int, total: int) -> None:
            progress.update(task, description=printable(case), completed=done, total=total)

        return list(
            write_case_segments(
                found.inputs,
                output,
                model=loaded,
                refused=found.refused,
                flips=flips,
                skull_strip=chosen_method(skull_strip),
                progress=told,
            )
        )


def volumes_table(records: Sequence[Mapping[str, Any]]) -> "Table":
    """One line a case: the volume of each region in ml."""
    from rich.table import Table

    answered = [record for record in records if "error" not in record]
    regions = list(answered[0]["volumes_ml"]) if answered else []
    table = Table("case", *(f"{region} (ml)" for region in regions), "missing")
    for record in records:
        if "error" in record:
            table.add_row(printable(record["source"]), *["refused"] * min(1, len(regions)))
            continue
        found = [record["volumes_ml"][region] for region in regions]
        figures = ["-" if ml is None else f"{ml:.1f}" for ml in found]
        table.add_row(printable(record["source"]), *figures, ", ".join(record["missing"]) or "-")
    return table
