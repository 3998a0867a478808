"""``tumorlens datasets``."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tumorlens.cli import app
from tumorlens.lab.datasets import DATASETS

WITHOUT = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "nibabel", "h5py", "scipy", "kagglehub"):
            raise ImportError(f"the list asked for {name}")

sys.meta_path.insert(0, Blocked())
from tumorlens.cli import app
app(["datasets", "list"], standalone_mode=False)
"""


def test_the_table_tells_all_of_every_data_set() -> None:
    done = CliRunner().invoke(app, ["datasets", "list"])
    assert done.exit_code == 0, done.output
    for name, entry in DATASETS.items():
        about = entry.about
        rows = [line for line in done.stdout.splitlines() if line.startswith(f"{name} ")]
        assert len(rows) == 2
        assert about.count in rows[0]
        assert about.labels in rows[0]
        assert about.licence in rows[0]
        assert (" yes " if about.patients else " no ") in rows[0]
        assert about.recognised_by in rows[1]
        assert about.address in rows[1]


def test_the_list_for_machines_is_the_table() -> None:
    done = CliRunner().invoke(app, ["datasets", "list", "--json"])
    listed = json.loads(done.stdout)
    assert list(listed) == list(DATASETS)
    assert listed["lgg"]["patients"] is True
    assert listed["lgg"]["kaggle"] == "mateuszbuda/lgg-mri-segmentation"


def test_the_list_needs_none_of_the_slow_libraries() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "figshare" in done.stdout


@pytest.mark.parametrize(
    ("name", "status", "said"),
    [
        ("cheng", 1, "https://figshare.com"),
        ("brats", 1, "https://www.synapse.org"),
        ("csv", 1, "a layout for your own"),
        ("nickpavar", 2, "Did you mean nickparvar?"),
    ],
)
def test_what_cannot_be_got_says_where_it_is(name: str, status: int, said: str) -> None:
    done = CliRunner().invoke(app, ["datasets", "get", name])
    assert done.exit_code == status
    assert said in done.stderr
    assert "Traceback" not in done.output


def test_without_the_extra_the_message_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "kagglehub", None)
    monkeypatch.delitem(sys.modules, "tumorlens.lab.datasets.downloading", raising=False)
    done = CliRunner().invoke(app, ["datasets", "get", "sartaj", "--output", str(tmp_path)])
    assert done.exit_code == 2
    assert "pip install 'tumorlens[data]'" in done.stderr
