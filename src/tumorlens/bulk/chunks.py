"""Sources cut into chunks: what one worker answers at a time and writes as one part."""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tumorlens.reading import Source
from tumorlens.reporting.results import BATCH

LARGEST_CHUNK = 512
"""Sources in one part at most: what a killed worker has to do again."""

CHUNKS_A_WORKER = 4
"""So many chunks a worker at least, where there are enough sources, so that all end together."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Sources that are answered together.

    Attributes:
        name: In hexadecimal; follows from the sources, so that it is the same each time.
        sources: At least one.
    """

    name: str
    sources: tuple[Source, ...]

    @classmethod
    def of(cls, sources: Sequence[Source]) -> Self:
        """A chunk of these sources."""
        digest = hashlib.sha256(b"".join(map(source_id, sources)))
        return cls(digest.hexdigest()[:32], tuple(sources))

    def to_json(self) -> str:
        """The sources as ASCII text, whatever bytes their names hold."""
        return json.dumps([[one.name, [str(file) for file in one.files]] for one in self.sources])

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The chunk that `to_json` described."""
        return cls.of([Source(name, tuple(map(Path, files))) for name, files in json.loads(text)])


def source_id(source: Source) -> bytes:
    """16 bytes that stand for a source's files: how a run knows what is done."""
    names = [str(file) for file in source.files] or [source.name]
    return hashlib.sha256(b"\0".join(map(os.fsencode, names))).digest()[:16]


def cut(sources: Sequence[Source], *, workers: int) -> Iterator[Chunk]:
    """Cut sources into chunks for so many workers, in order."""
    wanted = len(sources) / (workers * CHUNKS_A_WORKER)
    size = max(BATCH, min(LARGEST_CHUNK, int(wanted) // BATCH * BATCH))
    for start in range(0, len(sources), size):
        yield Chunk.of(sources[start : start + size])
