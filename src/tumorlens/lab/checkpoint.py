"""The state of a run between two epochs, in safetensors; written aside, then renamed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from tumorlens.errors import TrainingError
from tumorlens.reporting.folder import writing

LAST, BEST = "checkpoints/last.safetensors", "checkpoints/best.safetensors"
"""Within a run folder."""
FINISHED = "checkpoints/finished.safetensors"
"""After the linear layer was trained once more at the end (SMOTE), where it was."""
SNAPSHOT = "checkpoints/snapshot_{}.safetensors"
"""Of each cycle of the learning rate, from 1, where there is more than one."""

_WEIGHT, _OPTIMIZER, _AVERAGE = "weight/", "optimizer/", "average/"


def save_checkpoint(
    path: Path,
    network: nn.Module,
    optimizer: Optimizer | None,
    progress: Mapping[str, Any],
    *,
    average: nn.Module | None = None,
) -> None:
    """Write a network's weights, the optimizer's state and the run's progress.

    Args:
        path: The file; an older one is replaced in one step.
        network: Its whole state is kept.
        optimizer: Its per-weight tensors are kept; None for weights alone.
        progress: JSON values: epoch, history, ...
        average: The moving average of the network, where there is one.

    Raises:
        ConfigError: The disk is full, or the like; an older file stays as it was.
    """
    tensors = {_WEIGHT + key: value for key, value in network.state_dict().items()}
    for number, state in (optimizer.state_dict()["state"] if optimizer else {}).items():
        for key, value in state.items():
            tensors[f"{_OPTIMIZER}{number}/{key}"] = torch.as_tensor(value)
    for key, value in (average.state_dict() if average else {}).items():
        tensors[_AVERAGE + key] = value.clone()
    contiguous = {key: value.detach().contiguous().cpu() for key, value in tensors.items()}
    aside = path.with_suffix(".partial")
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            _save(contiguous, aside, {"progress": json.dumps(progress)})
            aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _save(tensors: dict[str, Tensor], path: Path, metadata: dict[str, str]) -> None:
    try:
        save_file(tensors, path, metadata=metadata)
        # safetensors lets the owner alone read: as readable as its folder, like all of a run.
        path.chmod(path.parent.stat().st_mode & 0o666)
    except SafetensorError as error:  # what the file system says, in a type of its own
        raise OSError(str(error)) from error


def load_checkpoint(
    path: Path,
    network: nn.Module,
    optimizer: Optimizer | None = None,
    *,
    average: nn.Module | None = None,
) -> dict[str, Any]:
    """Put a checkpoint's state back into a network, an optimizer and a moving average.

    Returns:
        The progress.

    Raises:
        TrainingError: The file is damaged, or of another network.
    """
    tensors, progress = _read(path)
    weights = _under(tensors, _WEIGHT)
    try:
        network.load_state_dict(weights)
        if average is not None:
            average.load_state_dict(_under(tensors, _AVERAGE))
    except RuntimeError as error:
        raise TrainingError(
            expected="a checkpoint of this very network",
            found="weights that do not fit",
            remedy="Train into another run folder, or restore the run's config.",
            source=str(path),
        ) from error
    if optimizer is not None:
        try:
            _restore(optimizer, _under(tensors, _OPTIMIZER))
        except (LookupError, ValueError, RuntimeError) as error:
            raise damaged(path, f"an optimizer's state that does not fit ({error})") from error
    return progress


def damaged(path: Path, found: str) -> TrainingError:
    """What is said of a checkpoint that cannot be used.

    Args:
        path: Of the checkpoint.
        found: What is wrong with it.
    """
    return TrainingError(
        expected="a checkpoint of a training run",
        found=found,
        remedy="Delete the run's checkpoints folder to train it anew.",
        source=str(path),
    )


def is_checkpoint(path: Path) -> bool:
    """Whether a file is a checkpoint of a tumorlens run, not weights of another origin."""
    try:
        with safe_open(path, framework="pt") as file:
            return "progress" in (file.metadata() or {})
    except (SafetensorError, OSError):
        return False


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    try:
        with safe_open(path, framework="pt") as file:
            progress = json.loads(file.metadata()["progress"])
            return {key: file.get_tensor(key) for key in file.keys()}, progress  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise damaged(path, f"a file that cannot be read ({error})") from error


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)
    }


def _restore(optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put the state back, laid out in memory as the weights are: a fused optimizer walks both."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    whole = optimizer.state_dict()
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        number, name = key.split("/", 1)
        weight = weights[int(number)]
        fits = value.shape == weight.shape
        placed = torch.empty_like(weight.detach()).copy_(value) if fits else value
        state.setdefault(int(number), {})[name] = placed
    optimizer.load_state_dict(whole | {"state": state})
