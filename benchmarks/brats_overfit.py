"""Proof that the BraTS recipe learns: it overfits a piece of one real case.

The piece is cut around the tumor, resampled, trained on with the whole recipe (patches, loss,
checkpoints), exported, and answered by the runtime from its folder. The figures say nothing about
other heads; they say that nothing between the files and the label map is wrong.

    python benchmarks/brats_overfit.py ../shared/data/brats/BraTS2021_00006
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import nibabel
import numpy as np

from tumorlens.lab.volumes.brats_heads import find_brats
from tumorlens.lab.volumes.cases import prepare_cases
from tumorlens.lab.volumes.exporting import export_volume_model
from tumorlens.lab.volumes.measuring import score_case
from tumorlens.lab.volumes.run import make_card
from tumorlens.lab.volumes.settings import VolumeConfig
from tumorlens.lab.volumes.split import CaseSplit
from tumorlens.lab.volumes.training import VolumeWatch, train_volumes
from tumorlens.reading.case import find_case
from tumorlens.volume_outlining import outline_case


def main() -> None:
    """Cut, train, export, answer, score; prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("case", type=Path)
    parser.add_argument("--network", default="unet")
    parser.add_argument("--filters", type=int, default=16)
    parser.add_argument("--loss", default="dice_ce")
    parser.add_argument("--steps", type=int, default=480)
    parser.add_argument("--side", type=int, default=96, help="of the piece, in voxels of the case")
    parser.add_argument("--spacing", type=float, default=2.0, help="of the network's grid, in mm")
    parser.add_argument("--patch", type=int, default=48)
    parser.add_argument("--precision", default="32-true")
    wanted = parser.parse_args()
    config = VolumeConfig.model_validate(
        {
            "task": "outline_volume",
            "name": "overfit",
            "data": {"spacing_mm": [wanted.spacing] * 3},
            "network": {"name": wanted.network, "filters": wanted.filters},
            "augmentation": {"flip": 0, "scale": 0.05, "shift": 0.05, "noise": 0},
            "training": {
                "epochs": wanted.steps // 20,
                "patches": 20,
                "patch": [wanted.patch] * 3,
                "loss": wanted.loss,
                "learning_rate": 5e-3,
                "warmup_epochs": 0.5,
                "precision": wanted.precision,
                "validate_every": 4,
            },
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(overfit(wanted.case, config, wanted.side, Path(folder)), indent=2))


def overfit(case: Path, config: VolumeConfig, side: int, folder: Path) -> dict[str, object]:
    """The Dice and distances of each region on the piece itself, by the exported model."""
    piece = cut_piece(case, folder / "data" / case.name, side)
    cases = find_brats(piece.parent)
    prepared = tuple(prepare_cases(cases, config, folder / "prepared"))
    began = time.perf_counter()
    split = CaseSplit(prepared, prepared)
    watch = VolumeWatch(on_epoch=lambda record: print(record, flush=True))
    trained = train_volumes(config, split, folder / "run", watch=watch)
    seconds = time.perf_counter() - began
    model = export_volume_model(trained.network, make_card(config, split), folder / "model")
    known = find_case(piece)
    assert known is not None
    answer = outline_case(known, model)
    head, truth = cases[0].read()
    spacing = np.linalg.norm(head.affine[:3, :3], axis=0)
    score = score_case(
        case.name,
        answer.labels,
        truth,
        regions=config.data.regions,
        spacing_mm=spacing.tolist(),
        patient=cases[0].patient,
    )
    best = max(trained.history, key=lambda one: one.mean_dice)
    return {
        "training_seconds": round(seconds),
        "dice_on_the_networks_grid": best.dice,
        "dice_on_the_files_grid": score.dice,
        "hd95_mm_on_the_files_grid": score.hd95_mm,
    }


def cut_piece(case: Path, folder: Path, side: int) -> Path:
    """A cube of the case around its tumor, as files of the same names."""
    folder.mkdir(parents=True)
    outline = next(case.glob("*seg.nii*"))
    tumor = np.argwhere(np.asarray(nibabel.load(outline).dataobj) > 0)
    middle = (tumor.min(axis=0) + tumor.max(axis=0)) // 2
    for file in sorted(case.glob("*.nii*")):
        image = nibabel.load(file)
        starts = np.clip(middle - side // 2, 0, np.maximum(0, np.array(image.shape) - side))
        where = tuple(slice(int(start), int(start) + side) for start in starts)
        nibabel.save(image.slicer[where], folder / file.name)
    return folder


if __name__ == "__main__":
    main()
