"""What is found in files and folders."""

import json
from pathlib import Path

import numpy as np
import pytest

from tumorlens.errors import (
    ScanContentError,
    ScanCorruptError,
    ScanEmptyError,
    ScanFormatError,
    ScanMissingError,
)
from tumorlens.reading import find_sources, read_scan, read_source
from tumorlens.reading.own_files import MARK, PAGE, RECORD
from tumorlens.reading.sources import natural_key

from .made import (
    EXAMPLES,
    affine,
    block,
    cut,
    dataset,
    dicom_bytes,
    enhanced,
    picture,
    picture_bytes,
    pixels_of,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with some of everything."""
    root = tmp_path / "all"
    (root / "mr").mkdir(parents=True)
    (root / "deep" / "er").mkdir(parents=True)
    for i in (1, 2, 10):
        (root / f"slice_{i}.png").write_bytes(picture_bytes(picture()))
    (root / "no_suffix").write_bytes(EXAMPLES["nifti"]["nii.gz"]())
    (root / "bad.jpg").write_bytes(b"%PDF-1.4 but named .jpg")
    (root / "empty.nii.gz").touch()
    (root / "notes.txt").write_text("words")
    (root / "nothing").touch()
    (root / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (root / "._slice_1.png").write_bytes(b"\0\5\x16\7")
    (root / "deep" / "er" / "one.bmp").write_bytes(EXAMPLES["image"]["bmp"]())
    for series in ("1.2.3", "1.2.4"):
        for i, made in enumerate(cut(block(), affine(), (2, 1, 0))):
            made.SeriesInstanceUID = series
            made.SOPInstanceUID = f"{series}.{i}"
            (root / "mr" / f"{i}-{series[-1]}").write_bytes(dicom_bytes(made))
    (root / "mr" / "multi").write_bytes(dicom_bytes(enhanced(block())))
    alone = dataset(picture(), SeriesInstanceUID="1.2.5")
    (root / "mr" / "single.jpg").write_bytes(dicom_bytes(alone))
    report = dataset(picture(), SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11")
    (root / "mr" / "report.dcm").write_bytes(dicom_bytes(report))
    return root


def test_a_folder_of_everything(folder: Path) -> None:
    found = find_sources([folder])
    names = [(Path(s.name).relative_to(folder).as_posix(), len(s.files)) for s in found.sources]
    assert names == [
        ("bad.jpg", 1),
        ("deep/er/one.bmp", 1),
        ("empty.nii.gz", 1),
        ("mr#series-1", 14),
        ("mr#series-2", 14),
        ("mr/multi", 1),
        ("mr/single.jpg", 1),
        ("no_suffix", 1),
        ("slice_1.png", 1),
        ("slice_2.png", 1),
        ("slice_10.png", 1),
    ]
    passed = [path.name for path in found.passed_over]
    assert passed == ["report.dcm", "notes.txt", "nothing"]


def test_every_source_is_read_or_refused(folder: Path) -> None:
    refused = {}
    for source in find_sources(folder).sources:
        try:
            assert np.isfinite(pixels_of(read_source(source))).all()
        except (ScanFormatError, ScanEmptyError) as error:
            refused[Path(source.name).name] = type(error)
    assert refused == {"bad.jpg": ScanFormatError, "empty.nii.gz": ScanEmptyError}


def test_a_folder_of_several_is_no_scan(folder: Path) -> None:
    with pytest.raises(ScanContentError, match=r"mr#series-1 \(14 files\).* and 1 more"):
        read_scan(folder)


def test_explicit_files_are_always_sources(folder: Path) -> None:
    paths = [folder / "notes.txt", folder / ".DS_Store", folder / "none.png"]
    sources = find_sources(paths).sources
    assert [source.files for source in sources] == [(path,) for path in paths]
    for source, error in zip(
        sources, [ScanFormatError, ScanFormatError, ScanMissingError], strict=True
    ):
        with pytest.raises(error):
            read_source(source)


def test_order_and_strings(folder: Path) -> None:
    paths = [str(folder / "slice_2.png"), str(folder / "slice_1.png")]
    assert [source.name for source in find_sources(paths).sources] == paths
    assert find_sources(paths[0]) == find_sources([Path(paths[0])])


def test_a_folder_without_scans(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("words")
    found = find_sources([tmp_path])
    assert [(s.name, s.files) for s in found.sources] == [(str(tmp_path), ())]
    assert found.passed_over == (tmp_path / "notes.txt",)
    with pytest.raises(ScanEmptyError, match="none in it"):
        read_scan(tmp_path)


def test_links(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "one.png").write_bytes(picture_bytes(picture()))
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "a" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    found = find_sources([tmp_path])
    assert [Path(s.name).name for s in found.sources] == ["gone.png", "one.png"]
    with pytest.raises(ScanMissingError):
        read_source(found.sources[0])


def test_a_folder_that_cannot_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "locked").mkdir()
    real = Path.iterdir

    def refuse(self: Path):
        if self.name == "locked":
            raise PermissionError(13, "Permission denied")
        return real(self)

    monkeypatch.setattr(Path, "iterdir", refuse)
    (source,) = find_sources([tmp_path]).sources
    assert source.files == (tmp_path / "locked",)
    with pytest.raises(ScanMissingError, match="listed"):
        read_source(source)


def test_what_tumorlens_wrote_among_the_scans_is_passed_over(tmp_path: Path) -> None:
    for name in ("report/overlays/a.png", "overlays/b.png", "out/c.mask.png", "out/d.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(picture_bytes(picture()))
    (tmp_path / "report" / PAGE).write_text(f"<head>{MARK}</head>")
    (tmp_path / PAGE).write_text("<head>a page of others</head>")
    record = {"source": "c.png", "mask": "c.mask.png", "model": {}, "label": "glioma"}
    refused = {"source": "e.png", "error": {}}
    (tmp_path / "out" / RECORD).write_text(json.dumps([refused, record]))
    found = find_sources([tmp_path])
    names = {Path(source.name).name for source in found.sources}
    assert names == {"b.png", "d.png"}
    told = {path.name for path in found.passed_over}
    assert told == {"a.png", "c.mask.png", RECORD, PAGE}
    explicit = tmp_path / "report" / "overlays"
    assert [s.files for s in find_sources(explicit).sources] == [(explicit / "a.png",)]


@pytest.mark.parametrize(
    "text", ["{}", "[1]", '[{"mask": "a.png"}]', "[" * 100_000, '[{"source": "", "mask": 1}]']
)
def test_a_record_of_others_passes_nothing_over(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.png").write_bytes(picture_bytes(picture()))
    (tmp_path / RECORD).write_text(text)
    assert len(find_sources([tmp_path]).sources[0].files) == 1


def test_a_damaged_dicom_file_stands_alone(tmp_path: Path) -> None:
    for i, made in enumerate(cut(block(), affine(), (2, 1, 0))):
        (tmp_path / f"{i}.dcm").write_bytes(dicom_bytes(made))
    (tmp_path / "99.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\1\2\3" * 9)
    found = find_sources([tmp_path]).sources
    assert [len(source.files) for source in found] == [14, 1]
    with pytest.raises(ScanCorruptError):
        read_source(found[1])


def test_natural_order() -> None:
    names = ["b", "a10", "a9", "A1", "a09", "²", "10", "9"]
    ordered = sorted((Path(name) for name in names), key=natural_key)
    assert [path.name for path in ordered] == ["9", "10", "A1", "a09", "a9", "a10", "b", "²"]
