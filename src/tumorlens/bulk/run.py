"""Bulk inference on Ray: chunks streamed through Ray Data to actors with one model each.

Call `tumorlens.bulk.environment.set_environment` before this module is imported.
"""

import json
import logging
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ray
import ray.data
from ray.job_config import JobConfig

from tumorlens.bulk.answering import BUNDLED, Answerer, Done, ModelChoice
from tumorlens.bulk.chunks import Chunk, cut, source_id
from tumorlens.bulk.folder import ANSWERS, REFUSED, BulkFolder, clear_aside, open_folder
from tumorlens.errors import ConfigError, TumorlensError
from tumorlens.home_folder import expand
from tumorlens.reading import Source, find_sources

_OBJECT_STORE = 128 * 2**20  # bytes; only names of files pass through it
_TASKS_AHEAD = 2  # chunks an actor holds: one in hand and the next


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a bulk run did.

    Attributes:
        now: Sources that this run answered or refused.
        before: Sources that earlier runs had.
        answers: Rows in the table of answers, of all runs.
        refused: Rows in the table of the refused.
        passed_over: Files in folders that are no scans.
    """

    now: int
    before: int
    answers: int
    refused: int
    passed_over: tuple[Path, ...]


def answer_archive(
    paths: Sequence[str | Path],
    output: Path,
    *,
    model: ModelChoice = BUNDLED,
    address: str | None = None,
    on_progress: Callable[[int, int], object] = lambda _done, _total: None,
) -> Outcome:
    """Answer all scans at the paths and write the answers as Parquet tables.

    Sources that have a row in ``output`` are not answered again, so a run that was stopped goes
    on. All machines of the cluster must see the paths, the output and the model under the same
    names. A run that begins in a folder ends any other that still writes into it.

    Args:
        paths: Files and folders, as `tumorlens.reading.find_sources` takes them.
        output: Folder of the tables; made if absent.
        model: What answers.
        address: Of a running Ray cluster, ``auto`` or ``host:port``; where None, one is started
            on this machine, on all its cores and its loopback address, and stopped at the end.
        on_progress: Told how many sources are done, of how many.

    Raises:
        ModelError: The model folder cannot be used, or is another one on another machine.
        ConfigError: The output folder cannot be used, there is no cluster at the address, or
            the model is asked for what there is not.
        MissingExtraError: What the model needs is not installed.
    """
    folder = _absolute(expand(output))
    if model.folder is not None:
        model = replace(model, folder=_absolute(expand(model.folder)))
    card = model.load().card
    run = open_folder(folder, card)
    # An empty name stays what it is: nobody meant the current folder by it.
    found = find_sources([_absolute(path) if path != "" else path for path in paths])
    earlier = run.done()
    unique = {source_id(source): source for source in found.sources}
    left = [source for key, source in unique.items() if key not in earlier]
    before = len(unique) - len(left)
    on_progress(before, len(unique))
    now = 0
    worker = Answerer(run, model, digest=card.digest)
    with closing(_answer(left, worker, address)) as parts:
        for part in parts:
            now += part.answered + part.refused
            on_progress(before + now, len(unique))
    _check_complete(len(left), now, run)
    clear_aside(run)
    passed_over = tuple(one for one in found.passed_over if not one.is_relative_to(folder))
    return Outcome(now, before, run.count(ANSWERS), run.count(REFUSED), passed_over)


def _absolute(path: str | Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100  (links stay links)


class _Actor:
    """The answerer as Ray Data wants it: batches of one chunk, errors as values."""

    def __init__(self, worker: Answerer) -> None:
        self._worker = worker

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        (text,) = batch["chunk"]
        try:
            return {"done": [self._worker.answer(Chunk.from_json(str(text))).to_json()]}
        except TumorlensError as error:
            # As a value: Ray would try a failed task again, and a full disk stays full.
            failed = {"source": error.source, "kind": type(error).__name__, **error.to_json()}
            return {"done": [json.dumps({"failed": failed})]}


def _answer(
    sources: Sequence[Source], worker: Answerer, address: str | None
) -> Generator[Done, None, None]:
    """What became of each chunk, as soon as it is known."""
    if not sources:
        return
    with _cluster(address) as cores:
        chunks = [{"chunk": chunk.to_json()} for chunk in cut(sources, workers=cores)]
        workers = min(cores, len(chunks))
        # The pool may shrink: else the last idle actors would keep the cores that those of a
        # lost machine need to start anew.
        pool = ray.data.ActorPoolStrategy(
            min_size=1,
            max_size=workers,
            initial_size=workers,
            max_tasks_in_flight_per_actor=_TASKS_AHEAD,
        )
        data = ray.data.from_items(chunks, override_num_blocks=len(chunks)).map_batches(
            _Actor,
            fn_constructor_args=(worker,),
            batch_size=1,
            compute=pool,
            num_cpus=1,
        )
        for row in data.iter_rows():
            yield _done(row["done"])


def _done(text: str) -> Done:
    values = json.loads(text)
    if "failed" not in values:
        return Done.from_json(text)
    failed = values["failed"]
    kinds = {kind.__name__: kind for kind in _all_kinds(TumorlensError)}
    raise kinds[failed["kind"]](
        expected=failed["expected"],
        found=failed["found"],
        remedy=failed["remedy"],
        source=failed["source"],
    )


def _all_kinds(kind: type[TumorlensError]) -> Iterator[type[TumorlensError]]:
    yield kind
    for one in kind.__subclasses__():
        yield from _all_kinds(one)


@contextmanager
def _cluster(address: str | None) -> Iterator[int]:
    """A connection to a cluster; yields how many cores it has."""
    is_ours = not ray.is_initialized()
    try:
        if address is not None and is_ours:
            ray.init(
                address=address,
                job_config=_job(),
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        elif is_ours:
            ray.init(
                include_dashboard=False,
                object_store_memory=_OBJECT_STORE,
                job_config=_job(),
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
    except Exception as error:  # Ray raises many types, and bare exceptions too
        raise ConfigError(
            expected="a running Ray cluster" if address else "a machine that can start Ray",
            found=str(error).partition("\n")[0].rstrip(".") or type(error).__name__,
            remedy="Start one (ray start --head), or leave --address out."
            if address
            else "Try again when the machine has less to do; Ray's logs are in /tmp/ray.",
            source=address or "ray",
        ) from error
    _keep_quiet()
    try:
        yield max(1, int(ray.cluster_resources().get("CPU", 1)))
    finally:
        if is_ours:
            ray.shutdown()


def _job() -> JobConfig:
    """Settings by which no process of the job imports anything from the current folder.

    That may be the folder of the scans; Ray puts it before all others, unless it takes the job
    for one that a client sent from elsewhere.
    """
    return JobConfig(_client_job=True)


def _keep_quiet() -> None:
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)


def _check_complete(wanted: int, done: int, run: BulkFolder) -> None:
    if wanted != done:
        raise ConfigError(
            expected=f"{wanted:,} answers or refusals",
            found=f"{done:,}",
            remedy="Run the same command again: it goes on with those that are left.",
            source=str(run.place),
        )
