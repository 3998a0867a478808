import os
from pathlib import Path

import pytest

from tumorlens.bulk.chunks import LARGEST_CHUNK, Chunk, cut, source_id
from tumorlens.reading import Source
from tumorlens.reporting.results import BATCH


def _sources(count: int) -> list[Source]:
    return [Source(f"/in/{number}", (Path(f"/in/{number}"),)) for number in range(count)]


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 500, 5000])
@pytest.mark.parametrize("workers", [1, 3, 64])
def test_each_source_stands_in_one_chunk_and_in_order(count: int, workers: int) -> None:
    sources = _sources(count)
    chunks = list(cut(sources, workers=workers))
    assert [one for chunk in chunks for one in chunk.sources] == sources
    assert all(0 < len(chunk.sources) <= LARGEST_CHUNK for chunk in chunks)
    assert all(len(chunk.sources) % BATCH == 0 for chunk in chunks[:-1])
    assert len({chunk.name for chunk in chunks}) == len(chunks)


def test_every_worker_gets_chunks_where_there_are_enough() -> None:
    assert len(list(cut(_sources(1000), workers=4))) >= 4 * 4


def test_text_gives_back_the_chunk_whatever_the_names() -> None:
    names = [os.fsdecode(b"/in/caf\xe9"), "/in/\n", '/in/"脳"', "/in/folder#series-2"]
    series = Source(names[3], (Path("/in/folder/1.dcm"), Path("/in/folder/2.dcm")))
    empty = Source("/in/folder", ())
    chunk = Chunk.of([*(Source(name, (Path(name),)) for name in names[:3]), series, empty])
    assert chunk.to_json().isascii()
    assert Chunk.from_json(chunk.to_json()) == chunk


def test_name_follows_from_what_is_in_it() -> None:
    one, other = _sources(10)[:9], _sources(10)[1:]
    assert Chunk.of(one).name == Chunk.of(list(one)).name
    assert len({Chunk.of(one).name, Chunk.of(other).name, Chunk.of(one[:8]).name}) == 3


def test_id_is_of_the_files_and_of_the_name_only_where_there_are_none() -> None:
    files = (Path("/in/1"), Path("/in/2"))
    assert source_id(Source("a", files)) == source_id(Source("b", files))
    assert source_id(Source("a", files)) != source_id(Source("a", files[:1]))
    assert source_id(Source("a", ())) != source_id(Source("b", ()))
    assert len(source_id(Source("a", ()))) == 16
