"""``tumorlens evaluate`` with a model for volumes: labelled cases in, scores of regions out."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from tumorlens.cli.seen_data import warn_of_seen, warn_of_seen_pictures
from tumorlens.extras import import_extra


def evaluate_volumes(
    data: Path, model: Path, *, split: Path | None, part: str, output: Path | None, as_json: bool
) -> None:
    """Score a model on labelled heads, and print Dice and distances of its regions."""
    from tumorlens.cli.console import out
    from tumorlens.cli.progress import bars, steps
    from tumorlens.reporting.folder import write_bytes, writing
    from tumorlens.volume_outlining import load_volume_model

    lab = import_extra("tumorlens.lab.volumes.run", extra="brats")
    measuring = import_extra("tumorlens.lab.volumes.measuring", extra="brats")
    loaded = load_volume_model(model)
    cases = lab.cases_to_score(loaded.card, data, split=split, part=part)
    splits = import_extra("tumorlens.lab.volumes.split", extra="brats")
    seen = splits.cases_seen(model, cases, split=split)
    if seen is None:
        evaluated = {case.dataset for case in cases}
        warn_of_seen(loaded.card.datasets, evaluated, split=split, what="heads")
    with bars(transient=True) as progress:
        told = steps(progress)
        scores = lab.score_cases(
            loaded, cases, progress=lambda done, total: told("heads", done, total)
        )
    warn_of_seen_pictures(seen, whose="the model's", what="heads")
    found = (
        measuring.summary(scores)
        | ({"seen": seen} if seen else {})
        | {"per_dataset": measuring.per_dataset(scores)}
    )
    if output is not None:
        with writing(output):
            output.mkdir(parents=True, exist_ok=True)
        measuring.write_scores(output / "scores.csv", scores)
        about = loaded.card.identity.to_json()
        text = json.dumps({"model": about} | found, indent=2) + "\n"
        write_bytes(output / "scores.json", text.encode())
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    else:
        for line in score_lines(found, loaded.card.regions):
            out().print(line)
        for name, scores_there in found["per_dataset"].items():
            first, *rest = score_lines(scores_there, loaded.card.regions)
            out().print("\n".join([f"{name}: {first}", *rest]))


def score_lines(scores: Mapping[str, Any], regions: tuple[str, ...]) -> list[str]:
    """Scores in words: how many heads, and one line a region."""
    lines = [f"{scores['cases']} heads"]
    for region in regions:
        found = scores[region]
        lines.append(
            f"  {region}: Dice {_figure(found['dice'], 3)}, "
            f"95 % Hausdorff distance {_distance(found['hd95_mm'])}"
        )
    return lines


def _distance(values: Mapping[str, Any]) -> str:
    return "unknown" if values["mean"] is None else f"{_figure(values, 1)} mm"


def _figure(values: Mapping[str, Any], digits: int) -> str:
    interval = values["interval"]
    beside = f" ({interval[0]:.{digits}f} to {interval[1]:.{digits}f})" if interval else ""
    return f"{values['mean']:.{digits}f}{beside}"
