from pathlib import Path

import pytest

from tumorlens.lab.datasets import Example, load_examples
from tumorlens.lab.datasets.tomograms import are_tomograms, known_tomograms

DATA = Path(__file__).parents[4] / "shared" / "data"


def _example(path: Path, *, whole_head: bool = False) -> Example:
    return Example(path, path.name, "no_tumor", path.name, None, "any", whole_head=whole_head)


def test_a_file_is_known_by_its_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"ct": b"abc", "copy": b"abc", "mri": b"abd", "slice": b"abc"}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    listed = frozenset({"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"})
    monkeypatch.setattr("tumorlens.lab.datasets.tomograms.known_tomograms", lambda: listed)
    examples = [_example(tmp_path / name) for name in ("ct", "copy", "mri", "absent")]
    examples.append(_example(tmp_path / "slice", whole_head=True))
    assert are_tomograms(examples).tolist() == [True, True, False, False, False]


def test_the_list_is_of_hashes() -> None:
    assert len(known_tomograms()) > 80
    assert all(len(one) == 64 for one in known_tomograms())


@pytest.mark.skipif(
    not (DATA / "br35h").is_dir(), reason="the real pictures of ../shared/data are absent"
)
def test_tomograms_stand_in_a_set_of_mri() -> None:
    examples = load_examples(DATA, only=["br35h"])
    found = are_tomograms(examples)
    assert found.sum() == 11
    listed = {one.picture for one, is_ct in zip(examples, found, strict=True) if is_ct}
    assert "br35h/no/no3874.jpg" in listed
