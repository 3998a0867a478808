"""``tumorlens augment preview``."""

from pathlib import Path

from PIL import Image
from typer.testing import CliRunner

from tumorlens.cli import app


def test_the_grid_has_a_row_a_picture_and_a_column_a_sample(
    class_folders: Path, tmp_path: Path
) -> None:
    config = tmp_path / "made.toml"
    config.write_text('name = "made"\n[preparation]\nsize = 32\n')
    sizes = []
    for pictures, samples in ((2, 3), (4, 3), (2, 7)):
        grid = tmp_path / "grid.png"
        done = CliRunner().invoke(
            app,
            [
                *("augment", "preview", str(config), "--data", str(class_folders)),
                *("--output", str(grid), "--pictures", str(pictures), "--samples", str(samples)),
                *("--set", "augmentation.motion=1", "--set", "augmentation.mixup=0.4"),
            ],
        )
        assert done.exit_code == 0, done.output
        assert f"{samples} samples of each of {pictures} pictures" in done.stdout
        with Image.open(grid) as picture:
            sizes.append(picture.size)
    (width, height), taller, wider = sizes
    assert taller == (width, 2 * height)
    assert wider == (2 * width, height)


def test_pictures_in_which_nothing_is_to_be_seen_are_told(tmp_path: Path) -> None:
    for name in ("glioma", "no_tumor"):
        (tmp_path / "data" / name).mkdir(parents=True)
        Image.new("L", (40, 40), 9).save(tmp_path / "data" / name / "0.png")
    config = tmp_path / "made.toml"
    config.write_text('name = "made"\n')
    grid = str(tmp_path / "grid.png")
    arguments = [str(config), "--data", str(tmp_path / "data"), "--output", grid]
    done = CliRunner().invoke(app, ["augment", "preview", *arguments])
    assert done.exit_code == 1, done.output
    assert "hardly any contrast in the 2" in " ".join(done.stderr.split())
