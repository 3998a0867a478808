"""``tumorlens evaluate``: labelled pictures and a model in, scores and pictures of them out."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tumorlens.cli.evaluate_volumes import evaluate_volumes
from tumorlens.cli.exits import say
from tumorlens.cli.model_folder import ModelFolder
from tumorlens.cli.passed_over import tell_unlabelled
from tumorlens.cli.seen_data import names_of_sets, warn_of_seen, warn_of_seen_pictures
from tumorlens.cli.skull_stripping import SkullStrip, choose_for_slices
from tumorlens.cli.tta import WithTta
from tumorlens.cli.unfit_options import refuse_options
from tumorlens.extras import import_extra

if TYPE_CHECKING:
    from tumorlens.model import Model


def evaluate(
    places: Annotated[
        list[Path],
        typer.Argument(
            metavar="DATA", help="A data set's folder, or one that holds several; see --pool."
        ),
    ],
    *,
    model: ModelFolder = None,
    split: Annotated[
        Path | None, typer.Option(help="split.csv of a run: evaluate one part of it only.")
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(help="That part: training or validation.  [default: validation]"),
    ] = None,
    checks: Annotated[
        bool, typer.Option("--checks", help="Ask too: does it see the tumor, or the scanner?")
    ] = False,
    against: Annotated[
        Path | None, typer.Option(help="Another model folder, to compare with.")
    ] = None,
    skull_strip: SkullStrip = None,
    tta: WithTta = False,
    pool: Annotated[
        bool,
        typer.Option("--pool", help="The folders are runs, one a fold: score them together."),
    ] = False,
    output: Annotated[
        Path | None, typer.Option(help="Folder for evaluation.json, report.html and pictures.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not tables.")] = False,
) -> None:
    """Score a model, with 95 % intervals by patient.

    Pictures that the model was trained on say nothing about it: give the split.csv of its run,
    or data it never saw. --checks takes some minutes, and also reads the folders of BraTS, LGG
    and healthy volumes that lie in DATA. --pool reads the answers that each run kept about its
    own validation part, and gives one table of all folds: tumorlens evaluate --pool runs/fold*
    --tta holds for the model alone, not for --against: give the same folder twice to see what it
    is worth.
    A model for volumes is scored by Dice and 95 % Hausdorff distance on heads of BraTS or LGG.

    Example: tumorlens evaluate ~/data --split runs/mine/split.csv --model runs/mine/model --checks
    """
    from tumorlens.card import OUTLINE_VOLUME, kind_of
    from tumorlens.reporting.folder import check_writable

    if output is not None:
        check_writable(output)
    if pool:
        if any((model, split, against, skull_strip, tta, checks, part)):
            raise typer.BadParameter("--pool goes with --output and --json only")
        _tell(_pool(places, output), as_json=as_json)
        return
    if len(places) > 1:
        raise typer.BadParameter("one folder of data, or --pool and several run folders")
    if part is not None and split is None:
        raise typer.BadParameter("--part goes with --split, which says what the parts are")
    data, part = places[0], part or "validation"
    if model is not None and kind_of(model) == OUTLINE_VOLUME:
        others = {"--checks": checks, "--against": against, "--skull-strip": skull_strip}
        refuse_options(others | {"--tta": tta}, kind=OUTLINE_VOLUME)
        evaluate_volumes(data, model, split=split, part=part, output=output, as_json=as_json)
        return
    request = _Request(data, model, split, part, checks, against, skull_strip, tta)
    _tell(_score(request, output), as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Request:
    """What of a model that answers slices is to be measured; the fields are the options."""

    data: Path
    model: Path | None
    split: Path | None
    part: str
    checks: bool
    against: Path | None
    skull_strip: str | None
    tta: bool

    def load(self) -> "tuple[Model, Model | None]":
        """The model, and the one to compare with."""
        from tumorlens.model import load_model

        loaded = choose_for_slices(load_model(self.model), self.skull_strip)
        against = load_model(self.against) if self.against else None
        return loaded.with_tta() if self.tta else loaded, against

    def command(self) -> str:
        """The command that gives the same again, with the place of the data left open."""
        words = ["tumorlens", "evaluate", "DATA" if self.split else self.data.resolve().name]
        words += ["--model", self.model.as_posix()] if self.model else []
        words += ["--split", self.split.as_posix(), "--part", self.part] if self.split else []
        words += ["--against", self.against.as_posix()] if self.against else []
        words += ["--checks"] if self.checks else []
        words += ["--skull-strip", self.skull_strip] if self.skull_strip else []
        words += ["--tta"] if self.tta else []
        return shlex.join(words)


def _score(request: _Request, output: Path | None) -> dict[str, Any]:
    """Score a model that answers slices, and write what was measured."""
    from tumorlens.cli.progress import bars, steps

    lab = import_extra("tumorlens.lab.evaluation", extra="lab")
    measuring = import_extra("tumorlens.lab.evaluation.measuring", extra="lab")
    own_run = import_extra("tumorlens.lab.seen", extra="lab").own_run
    model, against = request.load()
    measuring.check_request(model, checks=request.checks, against=against)
    parts = import_extra("tumorlens.lab.evaluation.parts", extra="lab")
    found = parts.read_parts(request.data, split=request.split, part=request.part)
    tell_unlabelled(found.passed_over)
    run, against_run = (own_run(one, request.split) for one in (request.model, request.against))
    if run is None and request.split is None:
        evaluated = names_of_sets(request.data, {example.dataset for example in found.evaluated})
        warn_of_seen(model.card.learnt_from, evaluated, split=request.split, what="pictures")
    _warn_of_one_class({example.label for example in found.evaluated})
    with bars(transient=True) as progress:
        measured = measuring.measure(
            model,
            found,
            data=request.data,
            grouped=request.split is not None,
            checks=request.checks,
            against=against,
            run=run,
            against_run=against_run,
            follow=steps(progress),
        )
    command = request.command()
    record: dict[str, Any] = measured.to_json(command=command)
    _warn_of_seen_pictures(record)
    if output is not None:
        lab.write_evaluation(output, measured.evaluation, record=record)
        report = import_extra("tumorlens.lab.evaluation.report", extra="lab")
        report.write_report(output, model, measured, command=command)
    return record


def _pool(runs: list[Path], output: Path | None) -> dict[str, Any]:
    """Score several runs' answers together, and write that."""
    lab = import_extra("tumorlens.lab.evaluation", extra="lab")
    pooled = import_extra("tumorlens.lab.evaluation.pooling", extra="lab").pool_runs(runs)
    command = shlex.join(["tumorlens", "evaluate", "--pool", *(run.as_posix() for run in runs)])
    record: dict[str, Any] = pooled.to_json(command=command)
    if output is not None:
        lab.write_evaluation(output, pooled.whole, record=record)
    return record


def _warn_of_seen_pictures(record: Mapping[str, Any]) -> None:
    other = record.get("comparison", {}).get("against", {})
    warn_of_seen_pictures(record.get("seen"), whose="the model's", what="pictures")
    warn_of_seen_pictures(other.get("seen"), whose="the other model's", what="pictures")


def _warn_of_one_class(labels: set[str]) -> None:
    if len(labels) == 1:
        say(
            f"warning: all pictures are {labels.pop()}: what they are told apart from cannot be "
            "scored, so that there is no AUC"
        )


def _tell(record: Mapping[str, Any], *, as_json: bool) -> None:
    """Print scores as JSON or as tables."""
    if as_json:
        typer.echo(json.dumps(record, indent=2))
        return
    from rich.table import Table

    from tumorlens.cli.console import out

    wording = import_extra("tumorlens.lab.evaluation.wording", extra="lab")
    for one in wording.all_tables(record):
        table = Table(title=one.title, caption=one.note or None)
        for number, column in enumerate(one.columns):
            table.add_column(column, justify="right" if number else "left", overflow="fold")
        for row in one.rows:
            table.add_row(*row)
        out().print(table)
