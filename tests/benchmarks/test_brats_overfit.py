"""The proof that the BraTS recipe learns, on a piece of a real case."""

from pathlib import Path

import pytest
from brats_overfit import overfit

from tests.lab.volumes.made import small
from tests.made_cases import BRATS, needs_brats


@needs_brats
@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_it_overfits_a_real_case(tmp_path: Path) -> None:
    config = small(
        data={"spacing_mm": [2, 2, 2]},
        network={"name": "unet", "filters": 16},
        augmentation={"flip": 0, "scale": 0.05, "shift": 0.05, "noise": 0},
        training={
            **{"epochs": 24, "patches": 20, "patch": [48, 48, 48], "validate_every": 24},
            **{"learning_rate": 5e-3, "warmup_epochs": 0.5},
        },
    )
    found = overfit(BRATS / "BraTS2021_00006", config, 96, tmp_path)
    assert min(found["dice_on_the_networks_grid"].values()) > 0.9
    assert found["dice_on_the_files_grid"]["WT"] > 0.9
