"""``tumorlens train``: a config and a folder of data in, a run folder with a model out."""

import json
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tumorlens.cli.exits import say
from tumorlens.cli.passed_over import tell_unlabelled
from tumorlens.cli.skull_stripping import SkullStrip
from tumorlens.cli.train_volumes import train_volumes
from tumorlens.cli.unfit_options import refuse_options
from tumorlens.extras import import_extra

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.progress import Progress

    from tumorlens.lab.config import Config
    from tumorlens.lab.history import EpochRecord
    from tumorlens.lab.pictures import Pictures
    from tumorlens.lab.splitting import Split


def train(
    config: Annotated[Path, typer.Argument(help="TOML file with the run's settings.")],
    *,
    data: Annotated[Path, typer.Option(help="A data set's folder, or one that holds several.")],
    run: Annotated[
        Path | None,
        typer.Option(help="Run folder; continued if it was begun.  [default: runs/NAME]"),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            help="First weights: none, imagenet, a file, a model folder, or bundled: the bundled "
            "model, to tune it to your own scans (network.weights)."
        ),
    ] = None,
    skull_strip: SkullStrip = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Override a setting: --set training.epochs=20 (repeatable)."),
    ] = None,
    others: Annotated[
        Path | None,
        typer.Option(
            help="Folders of what is no brain MRI, by kind, for the input gate; natural.objects is "
            "more of natural."
        ),
    ] = None,
    allow_leaks: Annotated[
        bool,
        typer.Option(
            "--allow-leaks",
            help="Take a data.split with a patient or picture on both sides, and say so.",
        ),
    ] = False,
    tensorboard: Annotated[
        bool,
        typer.Option(
            "--tensorboard",
            help="Write the history into RUN/tensorboard too, for TensorBoard (extra tensorboard).",
        ),
    ] = False,
) -> None:
    """Train a model, calibrate it, export it and score it on patients it never saw.

    A config with task = "outline_volume" trains a network that outlines the tumor's regions in
    whole heads, on BraTS, LGG and the like as downloaded (extra brats), in one process.

    Where the environment variable TUMORLENS_CACHE names a folder, prepared pictures are kept in it
    for the next time. Several GPUs or machines train together under torchrun.

    Example: tumorlens train configs/custom_cnn.toml --data ~/data/sartaj --run runs/first

    torchrun --nproc-per-node 2 -m -- tumorlens train configs/custom_cnn.toml --data ~/data/sartaj
    """
    from tumorlens.card import CLASSIFY, OUTLINE_VOLUME

    config_module = import_extra("tumorlens.lab.config", extra="lab")
    settings_file = import_extra("tumorlens.lab.settings_file", extra="lab")
    values = settings_file.read_values(config, overrides=settings or [])
    task = str(values.get("task", CLASSIFY))
    import_extra("tumorlens.lab.settings", extra="lab").known_name(
        task, (CLASSIFY, OUTLINE_VOLUME), setting=f"{config}: task"
    )
    if task == OUTLINE_VOLUME:
        only = {"--weights": weights, "--skull-strip": skull_strip, "--others": others}
        given = {name: value is not None for name, value in only.items()}
        flags = {"--allow-leaks": allow_leaks, "--tensorboard": tensorboard}
        refuse_options(given | flags, kind=OUTLINE_VOLUME)
        train_volumes(values, str(config), data, run)
        return
    overrides = _overrides(settings or [], weights=weights, skull_strip=skull_strip)
    chosen = config_module.read_config(config, overrides=overrides)
    folder = run or Path("runs") / chosen.name
    if not import_extra("tumorlens.lab.processes", extra="lab").is_first():
        run_module = import_extra("tumorlens.lab.run", extra="lab")
        run_module.help_training(chosen, data, folder, allow_leaks=allow_leaks)
        return
    if tensorboard:
        import_extra("tensorboardX", extra="tensorboard")
    with _event_log(folder, wanted=tensorboard) as on_history:
        scores = _train(
            chosen, data, folder, allow_leaks=allow_leaks, others=others, on_history=on_history
        )
    typer.echo(scores)


def _train(
    config: "Config",
    data: Path,
    run: Path,
    *,
    allow_leaks: bool,
    others: Path | None,
    on_history: "Callable[[Sequence[EpochRecord]], None]",
) -> str:
    """Train a classifier in this process; its scores in words."""
    from tumorlens.card import read_card
    from tumorlens.cli.progress import bars

    run_module = import_extra("tumorlens.lab.run", extra="lab")
    with bars() as progress:
        evaluation = run_module.run_training(
            config,
            data,
            run,
            allow_leaks=allow_leaks,
            others=others,
            watch=_watch(progress, on_history),
        )
    split = read_card(run / "model").scores.get("split")
    beside = f" ({split})" if split else ""
    scores = evaluation.scores
    return (
        f"{run / 'model'}: accuracy {scores.accuracy:.4f}{beside}, macro recall "
        f"{scores.recall:.4f}{beside} on {scores.count} validation pictures of "
        f"{scores.groups} patients or groups"
    )


def _overrides(
    settings: "Sequence[str]", *, weights: str | None, skull_strip: str | None
) -> list[str]:
    """The settings that the command line overrides, as ``--set`` takes them."""
    from tumorlens.preparation import LEFT_ON

    overrides = [*settings]
    if weights is not None:
        overrides.append(f"network.weights={json.dumps(weights)}")
    if skull_strip is not None:
        method = "" if skull_strip == LEFT_ON else skull_strip
        overrides.append(f"preparation.skull_strip={json.dumps(method)}")
    return overrides


def _watch(progress: "Progress", on_history: "Callable[[Sequence[EpochRecord]], None]") -> object:
    """Progress bars for reading and for each epoch, and a line after each epoch."""
    run_module = import_extra("tumorlens.lab.run", extra="lab")
    loading = progress.add_task("reading pictures", total=None)
    training = progress.add_task("epoch", total=None, visible=False)
    fitting = progress.add_task("fitting the input gate", total=None, visible=False)

    def on_load(done: int, total: int) -> None:
        progress.update(loading, completed=done, total=total)

    def on_split(pictures: "Pictures", split: "Split") -> None:
        examples = pictures.examples
        progress.console.print(f"data sets: {', '.join(sorted({e.dataset for e in examples}))}")
        if pictures.blank:
            progress.console.print(f"left out, nothing to be seen: {len(pictures.blank)}")
        for part in ("training", "validation"):
            labels = Counter(examples[index].label for index in getattr(split, part))
            counts = ", ".join(f"{count} {label}" for label, count in sorted(labels.items()))
            progress.console.print(f"{part}: {counts}")
        if split.leaky:
            progress.console.print("leaky split: the validation figures of all epochs are too good")

    def on_batch(epoch: int, done: int, total: int) -> None:
        progress.update(
            training, description=f"epoch {epoch}", completed=done, total=total, visible=True
        )

    def on_epoch(record: "EpochRecord") -> None:
        progress.console.print(
            f"epoch {record.epoch}: loss {record.training_loss:.3f} training, "
            f"{record.validation_loss:.3f} validation; validation accuracy "
            f"{record.validation_accuracy:.3f}, macro recall "
            f"{record.validation_macro_recall:.3f} ({record.seconds:.0f} s)"
        )

    def on_confidence(done: int, total: int) -> None:
        progress.update(fitting, completed=done, total=total, visible=True)

    return run_module.Watch(
        on_passed_over=tell_unlabelled,
        on_unsure=say,
        on_load=on_load,
        on_split=on_split,
        on_batch=on_batch,
        on_epoch=on_epoch,
        on_history=on_history,
        on_confidence=on_confidence,
    )


@contextmanager
def _event_log(run: Path, *, wanted: bool) -> "Iterator[Callable[[Sequence[EpochRecord]], None]]":
    """What takes the history for TensorBoard, and nothing where it is not wanted."""
    if not wanted:
        yield lambda _: None
        return
    log = import_extra("tumorlens.lab.event_log", extra="lab").EventLog(run)
    try:
        yield log.write
    finally:
        log.close()
