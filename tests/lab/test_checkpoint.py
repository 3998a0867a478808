import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tumorlens.errors import ConfigError, TrainingError
from tumorlens.lab.checkpoint import is_checkpoint, load_checkpoint, save_checkpoint


def trained_pair() -> tuple[torch.nn.Linear, torch.optim.AdamW]:
    network = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        network(torch.ones(1, 3)).sum().backward()
        optimizer.step()
    return network, optimizer


def test_weights_optimizer_and_progress_come_back(tmp_path: Path) -> None:
    network, optimizer = trained_pair()
    save_checkpoint(tmp_path / "c" / "x.safetensors", network, optimizer, {"epoch": 3})
    fresh = torch.nn.Linear(3, 2)
    other = torch.optim.AdamW(fresh.parameters(), lr=0.1)
    assert load_checkpoint(tmp_path / "c" / "x.safetensors", fresh, other) == {"epoch": 3}
    torch.testing.assert_close(fresh.weight, network.weight)
    ours, theirs = (o.state_dict()["state"][0] for o in (other, optimizer))
    for key in ("exp_avg", "exp_avg_sq", "step"):
        torch.testing.assert_close(ours[key], theirs[key])
    assert not list(tmp_path.rglob("*.partial"))


def test_own_checkpoints_are_told_from_other_weights(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "own.safetensors", *trained_pair(), {})
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    assert is_checkpoint(tmp_path / "own.safetensors")
    assert not is_checkpoint(tmp_path / "other.safetensors")
    assert not is_checkpoint(tmp_path / "absent.safetensors")


def test_weights_of_another_shape_are_refused(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "x.safetensors", *trained_pair(), {})
    with pytest.raises(TrainingError, match="do not fit"):
        load_checkpoint(tmp_path / "x.safetensors", torch.nn.Linear(4, 2))


@pytest.mark.skipif(sys.platform != "linux", reason="a limit on files as Linux has it")
def test_a_full_disk_is_told_and_leaves_the_earlier_checkpoint(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    path = tmp_path / "x.safetensors"
    save_checkpoint(path, *trained_pair(), {"epoch": 1})
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(ConfigError, match="with room on its disk") as told:
            save_checkpoint(path, torch.nn.Linear(100, 100), None, {"epoch": 2})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "File too large" in told.value.found
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_whoever_may_read_the_run_folder_may_read_its_checkpoints(tmp_path: Path) -> None:
    for mode in (0o755, 0o700):
        folder = tmp_path / f"{mode:o}"
        folder.mkdir()
        folder.chmod(mode)
        save_checkpoint(folder / "x.safetensors", *trained_pair(), {})
        assert (folder / "x.safetensors").stat().st_mode & 0o777 == mode & 0o666


def test_whatever_is_damaged_in_a_header_is_told_in_words(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    network, optimizer = trained_pair()
    save_checkpoint(path, network, optimizer, {"epoch": 3})
    whole = path.read_bytes()
    for before, after in ((b"optimizer/1/step", b"optimizer/7/step"), (b"r/0/step", b"r/0/stop"),
                          (b"r/0/exp_avg", b"r/0-exp_avg"), (b"epoch", b"epo\\h")):  # fmt: skip
        assert before in whole
        path.write_bytes(whole.replace(before, after, 1))
        with pytest.raises(TrainingError, match="a checkpoint of a training run"):
            load_checkpoint(path, network, optimizer)
