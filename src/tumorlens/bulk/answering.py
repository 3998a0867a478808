"""Chunks -> parts: what a worker does, one model for all its chunks. It knows no Ray."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

from tumorlens.bulk.chunks import Chunk
from tumorlens.bulk.folder import BulkFolder
from tumorlens.bulk.table import Refusal, answer_row, refused_row
from tumorlens.errors import ModelCorruptError, ScanError, TumorlensError
from tumorlens.model import FLOAT32, Model, load_model
from tumorlens.reading import Source
from tumorlens.reporting.folder import writing
from tumorlens.reporting.formats import Record, to_record
from tumorlens.reporting.results import BATCH, answer_all

CARELESS_DEATHS = 2
"""After so many deaths over one chunk its sources are answered one by one."""

DEATHS = 2
"""A source over which so many workers died, one by one, is refused."""


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which model answers and how, the same for every worker.

    Attributes:
        folder: A model folder; the bundled model where None.
        precision: ``float32`` or ``int8``.
        skull_strip: A name in `tumorlens.preparation.SKULL_STRIPPERS`, or ``none``; as the model
            was trained where None.
    """

    folder: Path | None = None
    precision: str = FLOAT32
    skull_strip: str | None = None

    def load(self) -> Model:
        """Load the model.

        Raises:
            ModelError, ConfigError: As `tumorlens.load_model`, or there is no such method.
        """
        # One thread: there are as many workers as cores.
        model = load_model(self.folder, threads=1, precision=self.precision)
        return model.with_skull_strip(self.skull_strip) if self.skull_strip else model


BUNDLED = ModelChoice()


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a chunk.

    Attributes:
        answered: Rows among the answers.
        refused: Rows among the refused.
    """

    answered: int
    refused: int

    def to_json(self) -> str:
        """As text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` described."""
        return cls(**json.loads(text))


class Answerer:
    """Answers chunks with one model."""

    def __init__(self, folder: BulkFolder, choice: ModelChoice, *, digest: str) -> None:
        """Load nothing yet.

        Args:
            folder: Of the run, on a disk that all workers share.
            choice: What is to answer.
            digest: Of its card, which says all that decides an answer.
        """
        self._folder = folder
        self._choice = choice
        self._digest = digest

    def answer(self, chunk: Chunk) -> Done:
        """Answer a chunk and write its part; doing it again gives the same part.

        Raises:
            ConfigError: The part cannot be written.
            ModelError: The model cannot be loaded here, or is another one here.
            MissingExtraError: What the model needs is not installed here.
        """
        answers: list[dict[str, Any]] = []
        refused: list[dict[str, Any]] = []
        log = _Log(self._folder.aside / f"log-{chunk.name}")
        for source, found in self._all(chunk.sources, log):
            if isinstance(found, Refusal):
                refused.append(refused_row(source, found))
            else:
                answers.append(answer_row(source, found))
        self._folder.write_part(chunk.name, answers=answers, refused=refused)
        log.remove()
        return Done(len(answers), len(refused))

    @cached_property
    def _model(self) -> Model:
        model = self._choice.load()
        if model.card.digest != self._digest:
            raise ModelCorruptError(
                expected=f"the card with SHA-256 {self._digest} on every machine",
                found=model.card.digest,
                remedy="Install the same tumorlens everywhere, or give a model folder that all "
                "machines share.",
                source=str(self._choice.folder or "the bundled model"),
            )
        return model

    def _all(
        self, sources: Sequence[Source], log: "_Log"
    ) -> Iterator[tuple[Source, Record | Refusal]]:
        model = self._model
        if log.deaths() < CARELESS_DEATHS:
            log.begin()
            yield from zip(sources, _together(sources, model), strict=True)
            return
        deadly = log.deadly()
        log.begin()
        for index, source in enumerate(sources):
            if index in deadly:
                yield source, Refusal.of_death()
            else:
                log.touch(index)
                yield source, _alone(source, model)


def _together(sources: Sequence[Source], model: Model) -> Iterator[Record | Refusal]:
    """One outcome a source, in order, whatever goes wrong with one of them."""
    done = 0
    while done < len(sources):
        try:
            for result in answer_all(sources[done:], model=model):
                found = Refusal.of(result) if isinstance(result, ScanError) else to_record(result)
                done += 1
                yield found
        except TumorlensError:  # about the run, and no source: something is not installed
            raise
        except Exception:  # a bug about one of the next sources; alone each shows which
            for source in sources[done : done + BATCH + 1]:
                done += 1
                yield _alone(source, model)


def _alone(source: Source, model: Model) -> Record | Refusal:
    try:
        (result,) = answer_all([source], model=model)
        return Refusal.of(result) if isinstance(result, ScanError) else to_record(result)
    except TumorlensError:
        raise
    except Exception as error:  # one bad file must not stop millions
        return Refusal.of_bug(error)


class _Log:
    """What was in hand when workers died over a chunk: a line per begin and per source."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(self) -> None:
        """Note that a worker begins with the chunk."""
        self._add("begin")

    def touch(self, index: int) -> None:
        """Note which source comes now."""
        self._add(str(index))

    def deaths(self) -> int:
        """How many workers began and never ended."""
        return self._lines().count("begin")

    def deadly(self) -> set[int]:
        """The sources in hand at `DEATHS` deaths or more."""
        lines = [*self._lines(), "begin"]
        last = Counter(a for a, b in pairwise(lines) if b == "begin")
        return {int(line) for line, deaths in last.items() if line.isdigit() and deaths >= DEATHS}

    def remove(self) -> None:
        """The chunk is done."""
        self._path.unlink(missing_ok=True)

    def _lines(self) -> list[str]:
        try:
            return self._path.read_text(encoding="ascii").splitlines()
        except FileNotFoundError:
            return []

    def _add(self, line: str) -> None:
        with writing(self._path), self._path.open("a", encoding="ascii") as file:
            file.write(line + "\n")
