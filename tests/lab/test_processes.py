"""Two processes train one network: as one does, and one of them writes."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from safetensors.torch import load_file

from tumorlens.lab.processes import answer_together, is_first, own_part
from tumorlens.lab.training import BEST, LAST
from tumorlens.model import load_model

WORKER = Path(__file__).with_name("training_process.py")
TWO = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
CONFIG = {
    "preparation": {"size": 32},
    "network": {"name": "custom_cnn", "dropout": 0, "outlines": True, "frozen_stages": 1},
    "augmentation": {"mixup": 0.3, "transplant": 0.3},
    "training": {
        "epochs": 3,
        "batch_size": 7,
        "learning_rate": 0.003,
        "attention_weight": 0.1,
        "averaging": 0.9,
        "unfreeze_every": 1,
    },
}


def fabric(world: int, rank: int) -> Fabric:
    return cast("Fabric", SimpleNamespace(world_size=world, global_rank=rank))


@pytest.mark.parametrize(("count", "world", "least"), [(7, 2, 1), (8, 2, 2), (3, 4, 2), (1, 2, 1)])
def test_the_parts_are_alike_in_size_and_hold_everything(
    count: int, world: int, least: int
) -> None:
    parts = [own_part(fabric(world, rank), count, least=least) for rank in range(world)]
    assert len({len(part) for part in parts}) == 1
    assert len(parts[0]) >= least
    in_order = np.stack(parts, axis=1).ravel()
    np.testing.assert_array_equal(in_order[:count], np.arange(count))


def test_one_process_answers_everything_itself() -> None:
    rows = np.arange(6, dtype=np.float32).reshape(3, 2)
    np.testing.assert_array_equal(answer_together(fabric(1, 0), 3, lambda own: rows[own]), rows)


def test_only_the_first_process_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_first()
    for rank, first in (("0", True), ("1", False)):
        monkeypatch.setenv("TORCHELASTIC_RUN_ID", "made")
        monkeypatch.setenv("RANK", rank)
        assert is_first() is first


def start(*words: object) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key != "RANK"}
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        env=environment | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done


def history(run: Path) -> np.ndarray:
    with (run / "history.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    kept = [name for name in rows[0] if name not in ("seconds", "device")]
    return np.array([[float(row[name]) for name in kept] for row in rows])


def test_two_processes_learn_what_one_does(class_folders: Path, tmp_path: Path) -> None:
    settings = tmp_path / "config.json"
    settings.write_text(json.dumps(CONFIG))
    start(WORKER, class_folders, tmp_path / "one", settings)
    start(*TWO, WORKER, class_folders, tmp_path / "two", settings)
    one, two = history(tmp_path / "one"), history(tmp_path / "two")
    assert len(one) == 3
    np.testing.assert_allclose(two, one, rtol=1e-3, atol=1e-3)
    for name in (BEST, LAST):
        first, second = (load_file(tmp_path / run / name) for run in ("one", "two"))
        assert first.keys() == second.keys()
        weights = [key for key in first if key.startswith("weight/")]
        for key in weights:
            torch.testing.assert_close(second[key], first[key], rtol=5e-3, atol=2e-4)


@pytest.mark.slow
def test_torchrun_leaves_one_whole_run_folder_and_goes_on_in_it(
    class_folders: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        'name = "both"\n[preparation]\nsize = 32\n[network]\nname = "custom_cnn"\n'
        "[data]\nfolds = 3\n[training]\nepochs = 2\nbatch_size = 8\n"
    )
    run = tmp_path / "run"
    words: tuple[Any, ...] = ("train", config, "--data", class_folders, "--run", run)
    done = start(*TWO, "-m", "--", "tumorlens", *words)
    assert done.stderr.count("epoch 1: loss") == 1
    assert done.stdout.count("validation pictures of") == 1
    assert len(history(run)) == 2
    evaluation = json.loads((run / "evaluation.json").read_text())
    assert evaluation["scores"]["count"] == 16
    assert load_model(run / "model").card.sha256 == evaluation["model"]["sha256"]
    before = (run / "history.csv").read_bytes()
    start(*TWO, "-m", "--", "tumorlens", *words)  # finished: nothing is trained again
    assert (run / "history.csv").read_bytes() == before
