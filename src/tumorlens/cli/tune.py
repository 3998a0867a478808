"""``tumorlens tune``: better settings by trial, as a config ready for ``train``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tumorlens.cli.exits import say
from tumorlens.cli.passed_over import tell_unlabelled
from tumorlens.extras import import_extra

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial


def tune(
    config: Annotated[Path, typer.Argument(help="TOML file with the run's settings.")],
    *,
    data: Annotated[Path, typer.Option(help="A data set's folder, or one that holds several.")],
    trials: Annotated[
        int, typer.Option(min=1, help="How many in all, earlier and failed ones included.")
    ] = 30,
    output: Annotated[
        Path | None, typer.Option(help="Folder of the study.  [default: runs/NAME_tuning]")
    ] = None,
    storage: Annotated[
        str,
        typer.Option(
            help="Database of the study; name the same one on several machines to share it: "
            "postgresql://USER@HOST/NAME, mysql://...  [default: SQLite in the folder]"
        ),
    ] = "",
    only: Annotated[
        list[str] | None,
        typer.Option(
            help="Tune this alone (repeatable): learning_rate, weight_decay, batch_size, dropout, "
            "augmentation, frozen_stages."
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Override a setting: --set training.epochs=6 (repeatable)."),
    ] = None,
) -> None:
    """Search for better settings; a study that was stopped is continued.

    Example: tumorlens tune configs/custom_cnn.toml --data ~/data --trials 40
    """
    from tumorlens.cli.progress import bars
    from tumorlens.reporting.folder import check_writable

    config_module = import_extra("tumorlens.lab.config", extra="lab")
    import_extra("tumorlens.lab.training", extra="lab")
    tuning = import_extra("tumorlens.lab.tuning", extra="tune")
    chosen = config_module.read_config(config, overrides=settings or [])
    folder = output or Path("runs") / f"{chosen.name}_tuning"
    check_writable(folder)
    with bars() as progress:
        reading = progress.add_task("reading pictures", total=None)

        def on_trial(trial: "FrozenTrial") -> None:
            progress.console.print(_in_words(trial, trial.user_attrs.get(tuning.FAILURE)))

        tuned = tuning.tune(
            chosen,
            data,
            folder,
            trials=trials,
            storage=storage,
            only=tuple(only or ()),
            on_load=lambda done, total: progress.update(reading, completed=done, total=total),
            on_passed_over=tell_unlabelled,
            on_unsure=say,
            on_trial=on_trial,
        )
    typer.echo(
        f"{folder / tuning.BEST_CONFIG}: validation loss {tuned.loss:.4f}, the lowest of "
        f"{tuned.finished} trials ({tuned.pruned} more were dropped early)"
    )


def _in_words(trial: "FrozenTrial", why: str | None) -> str:
    """How a trial ended, and of which settings; ``why`` it failed, where that was told."""
    ended = {"PRUNED": "dropped", "FAIL": f"failed, {why or 'no finite loss'}"}.get(
        trial.state.name, f"validation loss {trial.value or 0:.4f}"
    )
    values = ", ".join(f"{name} {value:.3g}" for name, value in trial.params.items())
    return f"trial {trial.number}: {ended} ({values})"
