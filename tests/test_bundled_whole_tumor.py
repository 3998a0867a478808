"""The bundled model for whole tumors, as commands and library use it."""

import json
from pathlib import Path

import nibabel
import numpy as np
from typer.testing import CliRunner

import tumorlens
from tests.made_cases import BRATS, dice, needs_brats
from tumorlens.cli import app
from tumorlens.reporting.formats import to_record

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


@needs_brats
def test_a_real_flair_volume_is_outlined_wherever_it_is_predicted() -> None:
    """With a Dice of 0.90 at least."""
    volume = tumorlens.read_scan(next((BRATS / VALIDATES).glob("*flair*")))
    truth = tumorlens.read_scan(next((BRATS / VALIDATES).glob("*seg*")))
    assert isinstance(volume, tumorlens.Volume)
    assert isinstance(truth, tumorlens.Volume)
    answer = tumorlens.predict(volume)
    assert isinstance(answer, tumorlens.VolumePrediction)
    found = tumorlens.outline_volume(volume, answer)
    assert found.outlined_by is not None
    assert found.outlined_by.name == "whole_tumor"
    assert dice(found.mask, truth.voxels > 0) > 0.9
    record = to_record((volume, answer))
    assert record["outline"] == found.to_json()
    assert record["outline"]["outlined_by"]["name"] == "whole_tumor"
