import csv
import io
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from tests.conftest import CHANNELS, head, write_picture, write_tiny_model
from tests.made_cases import made_flair_file
from tests.made_gates import made_numbers
from tests.made_heads import draw_head
from tests.reading.made import nifti_bytes
from tumorlens.card import read_card, write_card
from tumorlens.cli import answering, app
from tumorlens.cli.predict import OutputFormat
from tumorlens.conformal import ADVICE, Conformal
from tumorlens.gate import CHECKS, GateCard, write_gate
from tumorlens.labels import CLASSES
from tumorlens.model import Model
from tumorlens.notice import NOTICE
from tumorlens.prediction import predict
from tumorlens.reporting.formats import FORMATS
from tumorlens.reporting.wording import SLICE_NUMBERS
from tumorlens.scan import Volume

Run = Callable[..., Result]


@pytest.fixture
def run(model_folder: Path) -> Run:
    """Runs ``tumorlens predict`` with the tiny model."""

    def run_predict(*words: object, model: object = model_folder) -> Result:
        line = ["predict", *map(str, words), "--model", str(model)]
        return CliRunner().invoke(app, line)

    return run_predict


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.jpg"
    path.write_text("no picture")
    return path


def test_table_tells_the_answer(run: Run, picture: Path, model: Model) -> None:
    done = run(picture)
    answer = predict(picture, model=model)
    assert done.exit_code == 0
    assert str(picture) in done.stdout
    assert answer.label.replace("_", " ") in done.stdout
    assert f"{answer.tumor_probability * 100:.1f} %" in done.stdout
    assert NOTICE not in done.stdout
    assert done.stderr.count(NOTICE) == 1


@pytest.mark.parametrize("name", FORMATS)
def test_formats_are_only_data_on_standard_output(
    run: Run, picture: Path, bad: Path, model: Model, name: str
) -> None:
    done = run(picture, bad, "--format", name)
    parsers: dict[str, Callable[[str], list[dict[str, Any]]]] = {
        "json": json.loads,
        "jsonl": lambda text: [json.loads(line) for line in text.splitlines()],
        "csv": lambda text: list(csv.DictReader(io.StringIO(text))),
    }
    answered, refused = parsers[name](done.stdout)
    assert done.exit_code == 1
    assert answered["label"] == predict(picture, model=model).label
    assert refused["source"] == str(bad)
    assert "1 refused" in done.stderr


def test_every_format_can_be_chosen() -> None:
    assert {one.value for one in OutputFormat} == {"table", *FORMATS}


def test_refused_inputs_are_explained_and_the_others_answered(
    run: Run, picture: Path, bad: Path, tmp_path: Path
) -> None:
    done = run(bad, picture, tmp_path / "absent.png")
    assert done.exit_code == 1
    assert [line.split()[1] for line in done.stdout.splitlines()[2:]].count("refused") == 2
    assert "expected" in done.stderr
    assert "Check the spelling" in done.stderr
    assert "1 answered, 2 refused" in done.stderr


def test_folder_is_searched(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    for name in ("in/a.png", "in/b.png", "in/deep/c.png"):
        write_picture(tmp_path / name, head(blob=50))
    (tmp_path / "in" / "notes.txt").write_text("no scan")
    done = run(tmp_path / "in", "-f", "jsonl")
    sources = [json.loads(line)["source"] for line in done.stdout.splitlines()]
    assert done.exit_code == 0
    assert [Path(source).name for source in sources] == ["a.png", "b.png", "c.png"]
    assert "notes.txt" in done.stderr


def test_folder_without_scans_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert run(tmp_path / "empty").exit_code == 1


def test_output_gets_the_report(run: Run, picture: Path, tmp_path: Path) -> None:
    done = run(picture, "--output", tmp_path / "report", "-f", "json")
    assert done.exit_code == 0
    assert len(json.loads(done.stdout)) == 1
    assert str(tmp_path / "report" / "index.html") in done.stderr
    assert (tmp_path / "report" / "overlays" / "scan.png").is_file()


def test_output_without_heatmaps(run: Run, picture: Path, tmp_path: Path) -> None:
    done = run(picture, "--output", tmp_path / "report", "--no-explain")
    assert done.exit_code == 0
    assert not (tmp_path / "report" / "overlays").exists()


def test_tta_answers_with_the_mirror_image_too(run: Run, picture: Path, model: Model) -> None:
    done = run(picture, "--tta", "--format", "json")
    assert done.exit_code == 0
    told = json.loads(done.stdout)[0]["probabilities"]
    expected = predict(picture, model=model.with_tta()).probabilities
    assert told == pytest.approx(dict(expected), abs=1e-6)
    assert told != pytest.approx(dict(predict(picture, model=model).probabilities), abs=1e-6)


def test_every_answer_says_whether_it_was_with_tta(
    run: Run, picture: Path, volume: Volume, tmp_path: Path
) -> None:
    (tmp_path / "volume.nii").write_bytes(nifti_bytes(volume.voxels))
    out = tmp_path / "report"
    for wanted, more in ((True, ["--tta"]), (False, [])):
        run(picture, tmp_path / "volume.nii", "-o", out, *more)
        records = json.loads((out / "answers.json").read_text())
        assert [record["tta"] for record in records] == [wanted] * 2
        rows = csv.DictReader((out / "answers.csv").read_text().splitlines())
        assert [row["tta"] for row in rows] == [str(wanted).lower()] * 2
        assert (out / "index.html").read_text().count("mirror image too") == 2 * wanted


def test_target_chooses_the_explained_class(run: Run, picture: Path, tmp_path: Path) -> None:
    assert run(picture, "-o", tmp_path / "report", "--target", "pituitary").exit_code == 0
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "evidence for pituitary" in page


def test_wrong_usage_is_2(run: Run, picture: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_text("mine")
    for done in (
        run(),
        run(picture, "--colour", "blue"),
        run(picture, "--format", "xml"),
        run(picture, model=tmp_path / "nowhere"),
        run(picture, "--target", "glioma"),
        run(picture, "-o", tmp_path / "report", "--target", "gliom"),
        run(picture, "-o", taken),
    ):
        assert done.exit_code == 2, done.output
        assert not done.stdout
        assert done.stderr
        assert "Traceback" not in done.output
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize(
    "name", ["with space.png", "[red]x[bold].png", ":warning:.png", "umläut.png", "-dash.png"]
)
@pytest.mark.parametrize("form", ["table", "jsonl"])
def test_odd_names_are_shown_as_they_are(run: Run, tmp_path: Path, name: str, form: str) -> None:
    path = write_picture(tmp_path / name, head(blob=50))
    done = run(path, "--format", form)
    assert done.exit_code == 0
    shown = done.stdout if form == "table" else json.loads(done.stdout)["source"]
    assert str(path) in shown


def test_names_cannot_command_the_terminal(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "\x1b[31mred\n.png"
    write_picture(tmp_path / "x.png", head()).rename(path)
    (tmp_path / "\x1b]0;title\x07.jpg").write_text("no picture")
    done = run(path, tmp_path / "\x1b]0;title\x07.jpg")
    assert "\x1b" not in done.output
    assert r"\x1b[31mred\n.png" in done.stdout


def test_volume_names_its_suspicious_slices(
    run: Run, volume: Any, model: Model, monkeypatch: pytest.MonkeyPatch, picture: Path
) -> None:
    monkeypatch.setattr("tumorlens.reporting.results.read_source", lambda source: volume)
    done = run(picture)
    answer = predict(volume, model=model)
    assert ", ".join(map(str, answer.suspicious)) in done.stdout
    assert SLICE_NUMBERS in done.stderr
    assert SLICE_NUMBERS not in run(picture, "-f", "jsonl").stderr


def test_help_says_how_slices_are_counted(run: Run) -> None:
    for verb in ("predict", "segment"):
        told = " ".join(CliRunner().invoke(app, [verb, "--help"]).stdout.split())
        assert "counted from 0" in told
        assert SLICE_NUMBERS.partition(": ")[2] in told


@pytest.mark.parametrize(
    "wish",
    [("-f table", 0), ("-f csv", 0), ("-f jsonl", 1), ("-f jsonl -o {out}", 1), ("-o {out}", 1)],
)
def test_a_flair_volume_is_outlined_once_and_only_if_that_is_told(
    wish: tuple[str, int], run: Run, bundled: Path, tmp_path: Path, asked: list[Volume]
) -> None:
    words, times = wish
    path = tmp_path / "p_flair.nii"
    path.write_bytes(made_flair_file())
    done = run(path, *words.format(out=tmp_path / "out").split(), model=bundled)
    assert done.exit_code == 0
    assert len(asked) == times
    if "jsonl" in words:
        outline = json.loads(done.stdout.splitlines()[0])["outline"]
        assert outline["outlined_by"]["name"] == "tiny flair"


def test_interrupt_is_130(run: Run, picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(answering, "find_sources", interrupted)
    done = run(picture)
    assert done.exit_code == 130
    assert done.stderr == "tumorlens: interrupted\n"


def test_help_shows_an_example_and_version_the_version() -> None:
    for words in (["--help"], ["predict", "--help"], ["predict", "-h"]):
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0
        assert "tumorlens predict" in done.stdout
    done = CliRunner().invoke(app, ["--version"])
    assert done.stdout.startswith("tumorlens ")
    assert CliRunner().invoke(app, []).exit_code == 2


def _process(folder: Path, *words: str | bytes, **options: Any) -> subprocess.Popen[bytes]:
    line = [sys.executable, "-m", "tumorlens.cli", "predict", "--model", str(folder), *words]
    return subprocess.Popen(line, stderr=subprocess.PIPE, **options)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse names of no text")
@pytest.mark.parametrize("form", ["table", "csv"])
def test_names_of_no_text_are_answered(model_folder: Path, tmp_path: Path, form: str) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9.png"
    write_picture(tmp_path / "x.png", head(blob=50)).rename(os.fsdecode(name))
    process = _process(model_folder, "-f", form, name, stdout=subprocess.PIPE)
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert (name if form == "csv" else rb"caf\udce9.png") in out


@pytest.mark.parametrize("form", ["table", "jsonl"])
def test_closed_pipe_leaves_no_stack_trace(model_folder: Path, tmp_path: Path, form: str) -> None:
    paths = [str(write_picture(tmp_path / f"{n}.png", head(blob=9.0 * n))) for n in range(20)]
    reading, writing = os.pipe()
    process = _process(model_folder, "-f", form, *paths, stdout=writing)
    os.close(writing)
    os.close(reading)
    _, err = process.communicate()
    assert b"Traceback" not in err
    assert b"BrokenPipe" not in err
    assert process.returncode == 128 + signal.SIGPIPE


@pytest.mark.skipif(sys.platform == "win32", reason="no shell that closes a stream")
def test_closed_standard_output_is_no_error(model_folder: Path, picture: Path) -> None:
    line = [sys.executable, "-m", "tumorlens.cli", "predict", "--model", str(model_folder)]
    command = f"{shlex.join([*line, str(picture)])} >&-"
    done = subprocess.run(command, shell=True, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_home_is_found_in_every_path(
    run: Run, picture: Path, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    shutil.copytree(model_folder, tmp_path / "kept")
    assert run(picture, "--output", "~/report", model="~/kept").exit_code == 0
    assert (tmp_path / "report" / "index.html").is_file()
    done = run(picture, model="~nobody-of-this-name/kept")
    assert done.exit_code == 2
    assert "whose home folder is known" in done.stderr


def test_interrupt_of_a_process_is_short(model_folder: Path, picture: Path) -> None:
    line = [str(picture)] * 20_000
    process = _process(model_folder, "-f", "jsonl", *line, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    assert err == b"tumorlens: interrupted\n"


def test_a_report_among_the_scans_is_not_answered_itself(
    model_folder: Path, tmp_path: Path
) -> None:
    Image.fromarray(draw_head("glioma", seed=1)).save(tmp_path / "a.png")
    output = tmp_path / "report"
    command = ["predict", str(tmp_path), "--model", str(model_folder), "--output", str(output)]
    for _ in range(2):
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 0, done.output
        answers = json.loads((output / "answers.json").read_text())
        assert [Path(answer["source"]).name for answer in answers] == ["a.png"]


def test_a_report_leaves_out_links_to_themselves_and_empty_folders(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "scans").mkdir()
    loop = tmp_path / "scans" / "loop.png"
    loop.symlink_to(loop)
    write_picture(tmp_path / "scans" / "a.png", head(blob=50))
    out = tmp_path / "out"
    done = run(tmp_path / "scans", tmp_path / "empty", "-o", out, "-f", "jsonl")
    assert done.exit_code == 1, done.output
    answers = json.loads((out / "answers.json").read_text())
    assert ["error" in answer for answer in answers] == [False, True, True]


def test_nothing_to_answer_is_refused_without_a_report(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = run(tmp_path / "empty", "-o", tmp_path / "out")
    assert done.exit_code == 1
    assert "no report is written" in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_overlays_of_a_report_are_no_scans_for_another(run: Run, tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    scan = write_picture(own / "a.png", head(blob=50))
    assert run(own, "-o", own).exit_code == 0
    for more in ((), ("-o", tmp_path / "elsewhere")):
        done = run(own, "-f", "jsonl", *more)
        assert done.exit_code == 0
        assert [json.loads(line)["source"] for line in done.stdout.splitlines()] == [str(scan)]
        assert "passed over, being no scans: 4 " in done.stderr
    scan.unlink()
    before = {path: path.read_bytes() for path in own.rglob("*") if path.is_file()}
    done = run(own, "-o", own, "-f", "jsonl")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["error"]["found"] == "none in it"
    assert {path: path.read_bytes() for path in own.rglob("*") if path.is_file()} == before


@pytest.fixture(scope="module")
def strict_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that accepts nothing and excludes no class."""
    folder = write_tiny_model(tmp_path_factory.mktemp("strict"))
    sha256 = write_gate(folder, made_numbers(CHANNELS))
    ones = dict.fromkeys(CLASSES, 1.0)
    card = replace(
        read_card(folder),
        conformal=Conformal(0.95, dict.fromkeys(CLASSES, 0.0), ones),
        gate=GateCard(sha256, dict.fromkeys(CHECKS, 9.0) | {"distance": 0.0}),
    )
    write_card(folder, card)
    return folder


def test_what_is_no_brain_mri_is_answered_as_not_accepted(
    run: Run, strict_folder: Path, picture: Path, tmp_path: Path
) -> None:
    done = run(picture, picture, "-o", tmp_path / "report", model=strict_folder)
    assert done.exit_code == 0
    assert [line.split()[1] for line in done.stdout.splitlines()[2:]] == ["refused"] * 2
    assert "does not look like a brain MRI: distance" in done.stderr
    assert "2 not accepted" in done.stderr
    answers = json.loads((tmp_path / "report" / "answers.json").read_text())
    assert [answer["accepted"] for answer in answers] == [False, False]
    assert answers[0]["label"] in CLASSES
    rows = list(csv.DictReader((tmp_path / "report" / "answers.csv").read_text().splitlines()))
    assert rows[0]["accepted"] == "false"
    assert rows[0]["reason"] == answers[0]["reason"]
    assert rows[0]["conformal_set"].split() == answers[0]["conformal_set"]
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "0 answered, 2 refused" in page
    assert page.count(answers[0]["reason"]) == 2


def test_classes_that_cannot_be_excluded_are_told(
    run: Run, strict_folder: Path, picture: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "open"
    shutil.copytree(strict_folder, folder)
    write_card(folder, replace(read_card(folder), gate=None))
    done = run(picture, "-o", tmp_path / "report", model=folder)
    assert done.exit_code == 0
    words = " ".join(done.stdout.split())
    for name in ("glioma", "meningioma", "pituitary", "no tumor"):
        assert name in words
    assert ADVICE in done.stderr
    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert f"Advice: {ADVICE}." in page
    assert "Cannot be excluded" in page
