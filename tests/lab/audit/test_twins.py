import shutil
from pathlib import Path

import pytest

from tumorlens.lab.audit.inspection import Inspected, inspect_all
from tumorlens.lab.audit.twins import find_twins

from .made_pictures import ALTERATIONS, draw, entry


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A picture, its altered copies, the same bytes again, and strangers."""
    folder = tmp_path_factory.mktemp("pictures")
    found = {"original": folder / "original.png"}
    draw(0).save(found["original"])
    for name, alter in ALTERATIONS.items():
        found[name] = folder / f"{name}.png"
        alter(draw(0)).save(found[name])
    found["again"] = folder / "again.png"
    shutil.copy(found["original"], found["again"])
    for seed in range(1, 9):
        found[f"stranger {seed}"] = folder / f"stranger{seed}.png"
        draw(seed).save(found[f"stranger {seed}"])
    found["broken"] = folder / "broken.png"
    found["broken"].write_bytes(b"no picture")
    return found


def inspected(files: dict[str, Path], patients: dict[str, str] | None = None) -> list[Inspected]:
    known = patients or {}
    return inspect_all([entry(path, patient=known.get(name)) for name, path in files.items()])


def test_every_copy_is_tied_and_no_stranger(files: dict[str, Path]) -> None:
    names = list(files)
    pairs = find_twins(inspected(files))
    tied = {names[index] for pair in pairs for index in (pair.first, pair.second)}
    assert tied == {"original", "again", *ALTERATIONS}
    direct = {names[pair.second] for pair in pairs if names[pair.first] == "original"}
    assert len(direct) >= len(ALTERATIONS) - 4  # the others through a copy nearer to them
    assert [(names[p.first], names[p.second]) for p in pairs if p.identical] == [
        ("original", "again")
    ]


def test_pictures_of_one_patient_are_compared_byte_by_byte_only(files: dict[str, Path]) -> None:
    chosen = {name: files[name] for name in ("original", "encoded", "again")}
    same = find_twins(inspected(chosen, dict.fromkeys(chosen, "set:p1")))
    assert [(pair.first, pair.second, pair.identical) for pair in same] == [(0, 2, True)]
    two = find_twins(inspected(chosen, {"original": "set:p1", "encoded": "set:p2"}))
    assert [(pair.first, pair.second) for pair in two] == [(0, 1), (0, 2)]
