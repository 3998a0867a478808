"""``tumorlens evaluate``: labelled pictures and a model in, scores and pictures of them out."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tumorlens.cli.exits import say
from tumorlens.cli.extras import import_extra

if TYPE_CHECKING:
    from rich.table import Table

    from tumorlens.lab.evaluation import Evaluation


def evaluate(
    data: Annotated[Path, typer.Argument(help="A data set's folder, or one that holds several.")],
    *,
    model: Annotated[
        Path | None, typer.Option(help="Model folder.  [default: the bundled model]")
    ] = None,
    split: Annotated[
        Path | None, typer.Option(help="split.csv of a run: evaluate one part of it only.")
    ] = None,
    part: Annotated[str, typer.Option(help="That part: training or validation.")] = "validation",
    output: Annotated[
        Path | None, typer.Option(help="Folder for evaluation.json, confusion.png and roc.png.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not tables.")] = False,
) -> None:
    """Score a model: accuracy, precision, recall, F1, AUC, sensitivity, specificity.

    Pictures that the model was trained on say nothing about it: give the split.csv of its run,
    or data it never saw.

    Example: tumorlens evaluate ~/data --split runs/mine/split.csv --model runs/mine/model
    """
    from tumorlens.cli.console import out
    from tumorlens.cli.progress import bars
    from tumorlens.model import load_model

    lab = import_extra("tumorlens.lab.evaluation", extra="lab")
    parts = import_extra("tumorlens.lab.evaluation.parts", extra="lab")
    loaded = load_model(model)
    examples = parts.examples_of_part(data, split=split, part=part)
    seen = sorted({example.dataset for example in examples} & set(loaded.card.data))
    if seen and split is None:
        say(
            f"warning: the model was trained on pictures of {', '.join(seen)}; without --split "
            "these scores include them and are too good"
        )
    with bars(transient=True) as progress:
        reading = progress.add_task("reading pictures", total=len(examples))
        answering = progress.add_task("answering", total=None)
        evaluation = lab.evaluate(
            loaded,
            examples,
            on_load=lambda done, total: progress.update(reading, completed=done, total=total),
            on_answer=lambda done, total: progress.update(answering, completed=done, total=total),
        )
    command = _command(data, model, split, part)
    if output is not None:
        lab.write_evaluation(output, evaluation, command=command)
    if as_json:
        typer.echo(json.dumps(evaluation.to_json(command=command), indent=2))
        return
    for table in _tables(evaluation):
        out().print(table)


def _command(data: Path, model: Path | None, split: Path | None, part: str) -> str:
    """The command as typed, with the place of the data left open."""
    words = ["tumorlens evaluate", "DATA" if split else data.name]
    words += ["--model", model.as_posix()] if model else []
    words += ["--split", split.as_posix(), "--part", part] if split else []
    return " ".join(words)


def _tables(evaluation: "Evaluation") -> "list[Table]":
    """All pictures by class, the confusion matrix, and each data set in a line."""
    return [_per_class(evaluation), _confusion(evaluation), _per_dataset(evaluation)]


def _per_class(evaluation: "Evaluation") -> "Table":
    from rich.table import Table

    scores = evaluation.scores
    table = Table(
        "class", "precision", "recall", "F1", "AUC", "pictures", title="One class against the rest"
    )
    for name, one in scores.per_class.items():
        figures = map(_figure, (one.precision, one.recall, one.f1, one.auc))
        table.add_row(name, *figures, str(one.support))
    macro = map(_figure, (scores.precision, scores.recall, scores.f1, scores.auc))
    table.add_row("macro", *macro, str(scores.count), style="bold")
    return table


def _confusion(evaluation: "Evaluation") -> "Table":
    from rich.table import Table

    names = list(evaluation.scores.per_class)
    table = Table("truth", *names, title="Confusion: rows the truth, columns the answer")
    for name, row in zip(names, evaluation.scores.confusion, strict=True):
        table.add_row(name, *map(str, row))
    return table


def _per_dataset(evaluation: "Evaluation") -> "Table":
    from rich.table import Table

    table = Table("data set", "accuracy", "macro recall", "sensitivity", "specificity", "AUC")
    table.add_column("pictures")
    table.add_column("groups")
    for name, scores in [*evaluation.per_dataset.items(), ("all", evaluation.scores)]:
        binary = scores.binary
        tumor: list[Any] = (
            [binary.sensitivity, binary.specificity, binary.auc] if binary else [None] * 3
        )
        table.add_row(
            name,
            *map(_figure, (scores.accuracy, scores.recall, *tumor)),
            str(scores.count),
            str(scores.groups),
            style="bold" if name == "all" else None,
        )
    table.title = "Each data set; sensitivity, specificity and AUC of tumor against none"
    if evaluation.blank:
        table.caption = f"left out, nothing to be seen: {evaluation.blank}"
    return table


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
