"""What ``tumorlens predict --engine ray`` does."""

from collections.abc import Sequence
from pathlib import Path

from tumorlens.bulk.environment import set_environment
from tumorlens.cli.exits import say
from tumorlens.cli.passed_over import tell_passed_over
from tumorlens.cli.progress import bars
from tumorlens.extras import import_extra
from tumorlens.notice import NOTICE


def answer_in_bulk(
    paths: Sequence[str],
    output: Path,
    *,
    model: Path | None,
    precision: str,
    skull_strip: str | None,
    address: str | None,
) -> bool:
    """Answer all that is found at the paths on Ray, and tell how it ended.

    Returns:
        Whether any input was refused, by this run or an earlier one into the same folder.

    Raises:
        ModelError: The model folder cannot be used.
        ConfigError: The output folder, the cluster or the method of skull stripping cannot be
            used.
        MissingExtraError: Ray is not installed, or what strips skulls.
    """
    set_environment(address)
    tables = import_extra("tumorlens.bulk.folder", extra="ray")
    answering = import_extra("tumorlens.bulk.answering", extra="ray")
    run = import_extra("tumorlens.bulk.run", extra="ray")
    with bars(transient=True) as progress:
        task = progress.add_task("scans", total=None)
        done = run.answer_archive(
            paths,
            output,
            model=answering.ModelChoice(model, precision, skull_strip),
            address=address,
            on_progress=lambda count, total: progress.update(task, completed=count, total=total),
        )
    tell_passed_over(done.passed_over)
    before = f", {done.before} were before" if done.before else ""
    say(f"{done.now} done{before}")
    say(f"answers: {output / tables.ANSWERS} ({done.answers})")
    if done.refused:
        say(f"refused: {output / tables.REFUSED} ({done.refused})")
    say(NOTICE)
    return bool(done.refused)
