from pathlib import Path
from time import process_time

import pytest

from tests.conftest import head, write_picture
from tests.made_cases import made_head, save_case
from tumorlens.reading import Found, Source
from tumorlens.reading.case import Case
from tumorlens.reporting import outline_inputs
from tumorlens.reporting.outline_inputs import find_inputs


def names(root: Path, **options: Path) -> set[str]:
    """What is outlined, each by its path below the root."""
    found = find_inputs([str(root)], **options).inputs
    paths = (one.folder if isinstance(one, Case) else one.files[0] for one in found)
    return {str(path.relative_to(root)) for path in paths}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a case and a picture beside it."""
    two = {name: made_head()[name] for name in ("flair", "t1c", "seg")}
    save_case(tmp_path / "scans" / "case", two)
    write_picture(tmp_path / "scans" / "one.png", head())
    return tmp_path / "scans"


def test_a_picture_in_the_folder_of_a_case_is_an_input_too(root: Path) -> None:
    write_picture(root / "case" / "pic.png", head())
    assert names(root) == {"case", "one.png", "case/pic.png"}
    assert not find_inputs([str(root)]).refused


def test_a_picture_beside_a_case_that_is_refused_goes_on(root: Path) -> None:
    write_picture(root / "case" / "pic.png", head())
    flair = root / "case" / "case_flair.nii.gz"
    (root / "case" / "again_flair.nii.gz").write_bytes(flair.read_bytes())
    assert names(root) == {"one.png", "case/pic.png"}
    (error,) = find_inputs([str(root)]).refused
    assert "flair 2 times" in str(error)


def test_label_maps_are_told_among_what_is_passed_over(root: Path) -> None:
    lone = root / "lone_seg.nii.gz"
    lone.write_bytes((root / "case" / "case_seg.nii.gz").read_bytes())
    assert find_inputs([str(root)]).passed_over == [lone]


def test_hidden_folders_are_none_of_ours(root: Path) -> None:
    (root / ".trash").mkdir()
    (root / "case").rename(root / ".trash" / "case")
    assert names(root) == {"one.png"}


def test_a_folder_that_cannot_be_listed_is_refused_and_the_others_go_on(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "locked").mkdir()
    real = Path.iterdir

    def refuse(self: Path) -> object:
        if self.name == "locked":
            raise PermissionError(13, "Permission denied")
        return real(self)

    monkeypatch.setattr(Path, "iterdir", refuse)
    assert names(root) == {"case", "one.png", "locked"}


def test_a_link_to_itself_and_an_empty_folder_are_left_to_the_reader(root: Path) -> None:
    (root / "loop.png").symlink_to(root / "loop.png")
    (root / "empty").mkdir()
    found = find_inputs([str(root), str(root / "empty")], output=root / "out")
    assert {Path(one.name).name for one in found.inputs} == {
        "case",
        "empty",
        "loop.png",
        "one.png",
    }


def test_many_cases_are_told_from_other_scans_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [tmp_path / f"{number:04d}" for number in range(2000)]
    files = [folder / f"{name}.nii" for folder in folders for name in ("t1", "t1c", "t2", "flair")]
    sources = tuple(Source(str(file), (file,)) for file in files)
    monkeypatch.setattr(outline_inputs, "folders_in", lambda _: folders)
    monkeypatch.setattr(outline_inputs, "find_sources", lambda _: Found(sources, ()))
    monkeypatch.setattr(outline_inputs, "find_case", lambda folder: Case(folder.name, {}))
    begin = process_time()
    assert len(find_inputs([str(tmp_path)]).inputs) == len(folders)
    assert process_time() - begin < 3  # about 0.1; 15 where each file is compared to each folder
