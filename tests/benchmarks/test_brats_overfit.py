"""The proof that the BraTS recipe learns, on a piece of a real case."""

import importlib.util
from pathlib import Path

import pytest

from tests.lab.volumes.made import small
from tests.made_cases import brats_cases, needs_brats

_SCRIPT = Path(__file__).parents[2] / "benchmarks" / "brats_overfit.py"
_spec = importlib.util.spec_from_file_location("brats_overfit", _SCRIPT)
assert _spec is not None
assert _spec.loader is not None
script = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(script)


@needs_brats
@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_it_overfits_a_real_case(tmp_path: Path) -> None:
    config = small(
        data={"spacing_mm": [2, 2, 2]},
        network={"name": "unet", "filters": 16},
        augmentation={"flip": 0, "scale": 0.05, "shift": 0.05, "noise": 0},
        training={
            **{"epochs": 20, "patches": 20, "patch": [48, 48, 48], "validate_every": 20},
            **{"learning_rate": 3e-3, "warmup_epochs": 0.5},
        },
    )
    found = script.overfit(brats_cases()[-1], config, 96, tmp_path)
    assert min(found["dice_on_the_networks_grid"].values()) > 0.9
    assert found["dice_on_the_files_grid"]["WT"] > 0.9
