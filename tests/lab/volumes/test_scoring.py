from pathlib import Path

import pytest

from tests.made_cases import made_head, save_case, save_unplaced_case, write_volume_model
from tumorlens.cli.evaluate_volumes import score_lines
from tumorlens.lab.volumes.brats_heads import find_brats
from tumorlens.lab.volumes.measuring import summary
from tumorlens.lab.volumes.run import score_cases
from tumorlens.volume_outlining import load_volume_model

NAME = "BraTS20_Training_{:03d}"


def test_heads_of_unknown_voxel_size_have_dice_but_no_distance(tmp_path: Path) -> None:
    data = tmp_path / "data"
    save_case(data / NAME.format(1), made_head())
    save_unplaced_case(data / NAME.format(2), made_head(), step=0)
    model = load_volume_model(write_volume_model(tmp_path / "model"))
    known, unknown = score_cases(model, find_brats(data))
    assert unknown.dice["WT"] == pytest.approx(known.dice["WT"]) == pytest.approx(1, abs=0.05)
    assert all(isinstance(one, float) for one in known.hd95_mm.values())
    assert unknown.hd95_mm == {"WT": None, "TC": None, "ET": None}
    assert summary([known, unknown])["WT"]["hd95_mm"]["mean"] == known.hd95_mm["WT"]
    lines = score_lines(summary([unknown]), ("WT",))
    assert lines[1].endswith("95 % Hausdorff distance unknown")
