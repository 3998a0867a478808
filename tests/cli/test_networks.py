"""``tumorlens networks``."""

import json
import subprocess
import sys

from typer.testing import CliRunner

from tumorlens.cli import app
from tumorlens.lab.catalogue import CATALOGUE

WITHOUT = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "timm", "sklearn", "scipy", "onnxruntime"):
            raise ImportError(f"the list asked for {name}")

sys.meta_path.insert(0, Blocked())
from tumorlens.cli import app
app(["networks", "list"], standalone_mode=False)
"""


def test_the_table_tells_all_of_every_network() -> None:
    done = CliRunner().invoke(app, ["networks", "list"])
    assert done.exit_code == 0, done.output
    for name, about in CATALOGUE.items():
        (row,) = [line for line in done.stdout.splitlines() if line.startswith(f"{name} ")]
        assert f"{about.parameters:,}" in row
        assert about.family in row
        assert all(source in row for source in about.weights)
        assert (" yes " if about.outlines else " no ") in row


def test_the_list_for_machines_is_the_catalogue() -> None:
    done = CliRunner().invoke(app, ["networks", "list", "--json"])
    listed = json.loads(done.stdout)
    assert list(listed) == list(CATALOGUE)
    assert listed["inception_v3"]["smallest"] == 75


def test_the_list_needs_no_pytorch() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "vgg16" in done.stdout
