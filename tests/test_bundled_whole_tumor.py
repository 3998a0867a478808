"""The bundled model for whole tumors, as ``tumorlens segment CASE`` uses it."""

import json
from pathlib import Path

import nibabel
import numpy as np
from typer.testing import CliRunner

from tests.made_cases import BRATS, dice, needs_brats
from tumorlens.cli import app

VALIDATES = "BraTS2021_00006"
"""The case that it was not trained on."""


@needs_brats
def test_a_real_case_is_outlined(tmp_path: Path) -> None:
    """With a Dice of 0.80 at least."""
    result = CliRunner().invoke(
        app, ["segment", str(BRATS / VALIDATES), "--output", str(tmp_path), "--json"]
    )
    assert result.exit_code == 0, result.output
    (record,) = json.loads((tmp_path / "segments.json").read_text())
    assert record["outlined"] == ["flair", "t1c"]
    assert record["outlined_by"]["name"] == "whole_tumor"
    found = nibabel.load(tmp_path / record["mask"])
    truth = nibabel.load(BRATS / VALIDATES / f"{VALIDATES}_seg.nii.gz")
    assert found.shape == truth.shape
    np.testing.assert_array_equal(found.affine, truth.affine)
    there = np.asarray(truth.dataobj) > 0
    assert dice(np.asarray(found.dataobj) > 0, there) > 0.8
    assert record["volume_ml"] * 1000 > 0.7 * there.sum()
