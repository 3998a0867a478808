"""The same network as one would use it by hand: PyTorch, torchvision transforms, a CAM library.

python benchmarks/contenders/pytorch.py WEIGHTS SCAN HEATMAP   # one scan, from a cold process
"""

import json
import sys
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from contenders.contender import CORES, Contender
from tumorlens.lab.torchvision_import import import_torchvision

import_torchvision()
from torchvision import transforms  # noqa: E402

CLASSES = ("glioma", "meningioma", "pituitary", "no_tumor")
BATCH = 8


def preprocessing(side: int) -> Any:
    return transforms.Compose(
        [transforms.Grayscale(), transforms.Resize((side, side)), transforms.ToTensor()]
    )


class PlainPyTorch(Contender):
    """Eager, with Grad-CAM by pytorch-grad-cam."""

    def __init__(self, model: Path) -> None:
        from contenders.scores import Scores
        from tumorlens.lab.rebuilding import rebuild

        torch.set_num_threads(CORES)
        self.scores = Scores(rebuild(model)).eval()
        self.side = json.loads((model / "card.json").read_text())["preparation"]["size"]
        self.preprocess = preprocessing(self.side)
        self.network_heatmap(np.zeros((1, 1, self.side, self.side), np.float32))

    @cached_property
    def cam(self) -> Any:
        from pytorch_grad_cam import GradCAM

        return GradCAM(model=self.scores, target_layers=[self.scores.network.last])

    def network(self, pictures: Any) -> Any:
        tensor = torch.from_numpy(pictures)
        with torch.inference_mode():
            return self.scores(tensor)

    def network_heatmap(self, pictures: Any) -> Any:
        return self.cam(input_tensor=torch.from_numpy(pictures), targets=None)

    def answer(self, path: Path) -> dict[str, float]:
        with Image.open(path) as picture:
            tensor = self.preprocess(picture)[None]
        with torch.inference_mode():
            return self._named(self.scores(tensor))

    def heatmap(self, path: Path) -> tuple[dict[str, float], Any]:
        with Image.open(path) as picture:
            tensor, size = self.preprocess(picture)[None], picture.size
        heat = self.network_heatmap(tensor.numpy())[0]
        return self._named(self._last_scores()), np.asarray(Image.fromarray(heat).resize(size))

    def folder(self, paths: Sequence[Path]) -> int:
        for path in paths:
            json.dumps(self.heatmap(path)[0])
        return len(paths)

    def folder_pictures(self, paths: Sequence[Path], output: Path) -> int:
        for path in paths:
            answer, heat = self.heatmap(path)
            json.dumps(answer)
            save_overlay(path, heat, output / f"{path.stem}.png")
        return len(paths)

    def volume(self, path: Path) -> int:
        import nibabel

        voxels = np.asarray(nibabel.load(path).dataobj, np.float32)
        voxels = (255 * (voxels - voxels.min()) / max(np.ptp(voxels), 1e-6)).astype(np.uint8)
        chosen = [n for n in range(voxels.shape[2]) if (voxels[..., n] > 25).mean() > 0.05]
        slices = [self.preprocess(Image.fromarray(voxels[..., number])) for number in chosen]
        starts = range(0, len(slices), BATCH)
        with torch.inference_mode():
            scores = [self.scores(torch.stack(slices[one : one + BATCH])) for one in starts]
        worst = torch.cat(scores).softmax(1)[:, -1].argsort()[:3]
        for number in worst:
            self.network_heatmap(slices[int(number)][None].numpy())
        return len(chosen)

    def _last_scores(self) -> Any:
        return self.cam.outputs

    def _named(self, scores: Any) -> dict[str, float]:
        return dict(zip(CLASSES, scores.softmax(1)[0].tolist(), strict=True))


class Torchcam(PlainPyTorch):
    """Eager, with Grad-CAM by torchcam, which goes back to the last maps only."""

    @cached_property
    def cam(self) -> Any:
        from torchcam.methods import GradCAM

        return GradCAM(self.scores, target_layer="network.last")

    def network_heatmap(self, pictures: Any) -> Any:
        cam = self.cam  # its hooks must be there before the pass
        self.found = self.scores(torch.from_numpy(pictures))
        return cam(self.found.argmax(1).tolist(), self.found)[0].numpy()

    def _last_scores(self) -> Any:
        return self.found.detach()


class Compiled(PlainPyTorch):
    """``torch.compile``; the CAM libraries' hooks do not survive it, so answers only."""

    def __init__(self, model: Path) -> None:
        from contenders.scores import Scores
        from tumorlens.lab.rebuilding import rebuild

        torch.set_num_threads(CORES)
        self.side = json.loads((model / "card.json").read_text())["preparation"]["size"]
        self.preprocess = preprocessing(self.side)
        self.scores = torch.compile(Scores(rebuild(model)).eval())
        for count in (1, BATCH):  # it compiles for each
            self.network(np.zeros((count, 1, self.side, self.side), np.float32))

    def network_heatmap(self, pictures: Any) -> Any:
        raise NotImplementedError

    def volume(self, path: Path) -> int:
        raise NotImplementedError


def save_overlay(path: Path, heat: Any, target: Path) -> None:
    with Image.open(path) as picture:
        gray = np.asarray(picture.convert("RGB"), np.float32)
    red = gray * (1 - 0.5 * heat[..., None]) + np.float32([255, 0, 0]) * 0.5 * heat[..., None]
    Image.fromarray(red.astype(np.uint8)).save(target)


def cold(weights: Path, scan: Path, target: Path) -> None:
    """One scan in a process of its own: the network, its weights, answer and heatmap."""
    from contenders.scores import Scores
    from tumorlens.lab.networks import build_network

    torch.set_num_threads(CORES)
    about, state = torch.load(weights, weights_only=True)
    network = build_network(about["network"], classes=about["classes"], outlines=about["outlines"])
    network.load_state_dict(state)
    plain = PlainPyTorch.__new__(PlainPyTorch)
    plain.scores = Scores(network).eval()
    plain.preprocess = preprocessing(about["side"])
    answer, heat = plain.heatmap(scan)
    save_overlay(scan, heat, target)
    sys.stdout.write(json.dumps(answer) + "\n")


def save_weights(model: Path, target: Path) -> None:
    """What `cold` loads."""
    from tumorlens.lab.rebuilding import rebuild

    network = rebuild(model)
    card = json.loads((model / "card.json").read_text())
    about = {
        "network": card["network"],
        "classes": len(card["classes"]),
        "outlines": network.decoder is not None,
        "side": card["preparation"]["size"],
    }
    torch.save((about, network.state_dict()), target)


if __name__ == "__main__":
    cold(*map(Path, sys.argv[1:4]))
