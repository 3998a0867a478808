"""``tumorlens train`` for a config with ``task = "outline_volume"``: heads in, a model out."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from tumorlens.cli.evaluate_volumes import score_lines
from tumorlens.extras import import_extra

if TYPE_CHECKING:
    from rich.progress import Progress

    from tumorlens.lab.volumes.history import VolumeEpoch
    from tumorlens.lab.volumes.split import CaseSplit


def train_volumes(values: dict[str, Any], source: str, data: Path, run: Path | None) -> None:
    """Train on whole heads, and say how well it does on validation patients.

    Args:
        values: The config's, not checked yet.
        source: Its file.
        data: A folder of BraTS as downloaded.
        run: The run folder; ``runs/NAME`` where None.

    Raises:
        ConfigError: A setting is wrong, or torchrun started several processes.
        DataError, TrainingError: As `tumorlens.lab.volumes.run.run_volume_training`.
    """
    from tumorlens.cli.progress import bars
    from tumorlens.reporting.folder import check_writable

    lab = import_extra("tumorlens.lab.volumes.run", extra="brats")
    parse = import_extra("tumorlens.lab.settings", extra="lab").parse_settings
    settings = import_extra("tumorlens.lab.volumes.settings", extra="lab")
    config = parse(settings.VolumeConfig, values, source=source)
    folder = run or Path("runs") / config.name
    check_writable(folder)
    with bars() as progress:
        scores = lab.run_volume_training(config, data, folder, watch=_watch(progress))
    first, *lines = score_lines(scores, config.data.regions)
    typer.echo("\n".join([f"{folder / 'model'}: on {first} of the validation part", *lines]))


def _watch(progress: "Progress") -> object:
    training = import_extra("tumorlens.lab.volumes.training", extra="brats")
    preparing = progress.add_task("preparing heads", total=None)
    learning = progress.add_task("epoch", total=None, visible=False)
    validating = progress.add_task("validating heads", total=None, visible=False)
    scoring = progress.add_task("scoring the finished model", total=None, visible=False)

    def on_prepare(done: int, total: int) -> None:
        progress.update(preparing, completed=done, total=total)

    def on_split(split: "CaseSplit") -> None:
        for part in ("training", "validation"):
            cases = getattr(split, part)
            patients = len({case.patient for case in cases})
            progress.console.print(f"{part}: {len(cases)} heads of {patients} patients")

    def on_batch(epoch: int, done: int, total: int) -> None:
        progress.update(
            learning, description=f"epoch {epoch}", completed=done, total=total, visible=True
        )

    def on_validate(_epoch: int, done: int, total: int) -> None:
        progress.update(validating, completed=done, total=total, visible=done < total)

    def on_epoch(record: "VolumeEpoch") -> None:
        dice = record.dice or {}
        found = "".join(f", Dice {region} {value:.3f}" for region, value in dice.items())
        progress.console.print(
            f"epoch {record.epoch}: loss {record.loss:.3f}{found} ({record.seconds:.0f} s)"
        )

    def on_score(done: int, total: int) -> None:
        progress.update(scoring, completed=done, total=total, visible=True)

    return training.VolumeWatch(on_prepare, on_split, on_batch, on_validate, on_epoch, on_score)
