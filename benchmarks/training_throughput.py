"""Pictures a second of a training loop: ours beside ImageFolder with per-picture transforms.

    python benchmarks/training_throughput.py [--data ../shared/data/sartaj/Training] [--short]

All loops see the same files at the same size and change them alike: turned, moved, zoomed,
mirrored, brightened. Ours takes prepared pictures from the store on disk and changes whole
batches; ImageFolder's decode and change picture by picture, in as many worker processes as there
are cores. Measured without a network (how fast batches come) and with one (what a training step
makes of it). The plain loop is ImageFolder with the step that one writes without further thought:
the usual layout in memory, the usual AdamW, and memory that the C library gives back; it runs in a
process of its own. The loop between, ImageFolder with our step, tells what each half is worth.
Where there is a GPU, the part of the time that it waits for batches is given too. Writes its part
of docs/performance.md.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from performance_page import table, write_part
from torch import Tensor, nn

from tumorlens.lab.augmentation import augment
from tumorlens.lab.config import AugmentationConfig
from tumorlens.lab.datasets import Example
from tumorlens.lab.memory import keep_freed_memory
from tumorlens.lab.networks import build_network
from tumorlens.lab.picture_store import STORED_FROM, VARIABLE
from tumorlens.lab.pictures import Pictures, load_pictures
from tumorlens.lab.torchvision_import import import_torchvision
from tumorlens.lab.within_reach import to_float
from tumorlens.overlapping import cores
from tumorlens.preparation import Preparation

import_torchvision()
from torchvision import datasets, transforms  # noqa: E402

ROOT = Path(__file__).parents[1]
BATCH = 32
OURS, FOLDER, PLAIN = "tumorlens", "ImageFolder, the step of tumorlens", "ImageFolder, a plain step"
Figures = tuple[float, float]
"""Pictures a second, and the part of the time spent waiting for batches."""

AUGMENTATION = AugmentationConfig(
    flip=0.5, rotation_deg=15.0, zoom=1.25, shift=0.06, contrast=1.4, brightness=0.1,
    stretch=1.0, gamma=1.0, bias_field=0.0, noise=0.0,
)  # fmt: skip
"""What torchvision's transforms below do too, and no more."""


def our_batches(pictures: Pictures, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches without end, as the lab's training makes them."""
    labels = sorted({example.label for example in pictures.examples})
    targets = torch.tensor([labels.index(example.label) for example in pictures.examples])
    for epoch in itertools.count():
        generator = torch.Generator().manual_seed(epoch)
        order = torch.randperm(len(targets), generator=generator)
        for start in range(0, len(order) - BATCH + 1, BATCH):
            batch = order[start : start + BATCH].numpy()
            seen = to_float(pictures.pixels, batch)
            yield augment(seen, AUGMENTATION, size=size, generator=generator), targets[batch]


def plain_batches(folder: Path, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches without end, as one writes it with torchvision."""
    change = transforms.Compose(
        [
            transforms.Grayscale(),
            transforms.Resize((size, size)),
            transforms.RandomHorizontalFlip(0.5),
            transforms.RandomAffine(15, translate=(0.06, 0.06), scale=(0.8, 1.25)),
            transforms.ColorJitter(brightness=0.1, contrast=0.4),
            transforms.ToTensor(),
        ]
    )
    loader = torch.utils.data.DataLoader(
        datasets.ImageFolder(str(folder), change),
        batch_size=BATCH,
        shuffle=True,
        drop_last=True,
        num_workers=cores(),
        persistent_workers=True,
    )
    while True:
        yield from loader


def pictures_a_second(
    batches: Iterator[tuple[Tensor, Tensor]], steps: int, step: Any = None
) -> Figures:
    """Of a loop, after two batches that do not count."""
    for pictures, targets in itertools.islice(batches, 2):  # workers and caches warm up
        if step:
            step(pictures, targets)
    waited = 0.0
    began = time.perf_counter()
    for _ in range(steps):
        asked = time.perf_counter()
        pictures, targets = next(batches)
        waited += time.perf_counter() - asked
        if step:
            step(pictures, targets)
    took = time.perf_counter() - began
    return BATCH * steps / took, waited / took


class PlainStep:
    """Forward, backward and optimizer step of a network, as one writes it."""

    def __init__(self, name: str, classes: int) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(0)
        self.network = build_network(name, classes=classes).to(self.device).train()
        self.optimizer = torch.optim.AdamW(self.network.parameters())

    def __call__(self, pictures: Tensor, targets: Tensor) -> None:
        loss = nn.functional.cross_entropy(
            self.network(self.placed(pictures)).logits, targets.to(self.device)
        )
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def placed(self, pictures: Tensor) -> Tensor:
        """The batch where and as the network wants it."""
        return pictures.to(self.device)


class Step(PlainStep):
    """The same, as the lab's training does it."""

    def __init__(self, name: str, classes: int) -> None:
        super().__init__(name, classes)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = torch.optim.AdamW(self.network.parameters(), fused=True)

    def placed(self, pictures: Tensor) -> Tensor:
        return super().placed(pictures).contiguous(memory_format=torch.channels_last)


def examples_of(folder: Path) -> list[Example]:
    """Those that ImageFolder would find."""
    paths = sorted(path for path in folder.glob("*/*") if path.suffix.lower() in {".jpg", ".png"})
    return [Example(p, p.name, p.parent.name, p.name, None, folder.name) for p in paths]


def loading_seconds(examples: list[Example], size: int) -> tuple[float, float]:
    """Seconds until pictures are there: the first time, and any later one."""
    found = []
    for _ in range(2):
        began = time.perf_counter()
        load_pictures(examples, Preparation(size=size))
        found.append(time.perf_counter() - began)
    return found[0], found[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    shared = ROOT.parent / "shared" / "data"
    parser.add_argument("--data", type=Path, default=shared / "sartaj" / "Training")
    parser.add_argument("--network", default="tf_efficientnet_lite0")
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--short", action="store_true", help="a trial: few steps")
    parser.add_argument("--no-page", action="store_true", help="print, and leave the page alone")
    parser.add_argument("--json", type=Path, help="write all figures there too")
    parser.add_argument("--plain", action="store_true", help="the plain loop alone, as JSON")
    chosen = parser.parse_args()
    if chosen.short:
        chosen.steps, chosen.rounds = 4, 1
    if chosen.plain:
        print(json.dumps(plain_loop(chosen)))
        return
    keep_freed_memory()
    examples = examples_of(chosen.data)
    if len(examples) < STORED_FROM:
        raise SystemExit(f"{chosen.data}: at least {STORED_FROM} pictures in class folders")
    with tempfile.TemporaryDirectory() as place:
        os.environ[VARIABLE] = place
        first, later = loading_seconds(examples, chosen.size)
        pictures = load_pictures(examples, Preparation(size=chosen.size))
        found = measure(chosen, pictures)
    if chosen.json:
        chosen.json.write_text(json.dumps(found, indent=1))
    text = page(chosen, len(examples), (first, later), found)
    if not chosen.no_page:
        write_part("training", text)
    print(text)


def plain_loop(chosen: argparse.Namespace) -> Figures:
    """Of ImageFolder with a plain step, in this very process."""
    classes = len(datasets.ImageFolder(str(chosen.data)).classes)
    batches = plain_batches(chosen.data, chosen.size)
    return pictures_a_second(batches, chosen.steps, PlainStep(chosen.network, classes))


def plain_loop_apart(chosen: argparse.Namespace) -> Figures:
    """The same in a process of its own, whose memory is handled as usual."""
    command = [sys.executable, __file__, "--plain", "--data", str(chosen.data)]
    for name in ("network", "size", "steps"):
        command += [f"--{name}", str(getattr(chosen, name))]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    rate, waiting = json.loads(done.stdout.splitlines()[-1])
    return rate, waiting


def measure(chosen: argparse.Namespace, pictures: Pictures) -> dict[str, dict[str, list[Figures]]]:
    """By what is measured and by loop: the figures of each round."""
    classes = len({example.label for example in pictures.examples})
    found: dict[str, dict[str, list[Figures]]] = {"batches alone": {}, "training": {}}

    def keep(number: int, what: str, loop: str, figures: Figures) -> None:
        found[what].setdefault(loop, []).append(figures)
        print(f"round {number + 1}: {what}, {loop}: {figures[0]:.0f}/s", file=sys.stderr)

    for number in range(chosen.rounds):
        for what, step in (("batches alone", None), ("training", Step(chosen.network, classes))):
            for loop, batches in (
                (OURS, our_batches(pictures, chosen.size)),
                (FOLDER if step else "ImageFolder", plain_batches(chosen.data, chosen.size)),
            ):
                keep(number, what, loop, pictures_a_second(batches, chosen.steps, step))
        keep(number, "training", PLAIN, plain_loop_apart(chosen))
    return found


def page(
    chosen: argparse.Namespace,
    count: int,
    loading: tuple[float, float],
    found: dict[str, dict[str, list[Figures]]],
) -> str:
    rows = []
    for what, loops in found.items():
        ours = [rate for rate, _ in loops[OURS]]
        for loop, figures in loops.items():
            rates = [rate for rate, _ in figures]
            times = sorted(own / rate for own, rate in zip(ours, rates, strict=True))
            rows.append(
                [
                    what,
                    loop,
                    f"{statistics.median(rates):.0f}",
                    f"{statistics.median(waiting for _, waiting in figures):.0%}",
                    f"{statistics.median(times):.1f} ({times[0]:.1f}-{times[-1]:.1f})",
                ]
            )
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    heads = ["What", "Loop", "Pictures a second", "Waiting for batches", "tumorlens is x times"]
    return (
        f"`python benchmarks/training_throughput.py`: {count} pictures of {chosen.size} pixels, "
        f"batches of {BATCH}, {chosen.network}, {cores()} cores, {device}, {chosen.rounds} rounds "
        f"of {chosen.steps} batches. All pictures are there after {loading[0]:.1f} s the first "
        f"time and after {loading[1]:.2f} s any later time.\n\n"
    ) + table(heads, rows)


if __name__ == "__main__":
    main()
