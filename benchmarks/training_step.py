"""Measure training steps with and without memory that is kept between batches.

    python benchmarks/training_step.py [--network tf_efficientnet_lite0] [--size 192] [--steps 8]

Prints one JSON object: pictures a second, each way measured in a process of its own.
"""

import argparse
import json
import subprocess
import sys
import time

import torch
from torch import nn

from tumorlens.lab.memory import keep_freed_memory
from tumorlens.lab.networks import build_network

BATCH = 32


def pictures_a_second(network: str, size: int, steps: int) -> float:
    """Forward, backward and optimizer step on random pictures, after two that do not count."""
    torch.manual_seed(0)
    built = build_network(network, classes=4, outlines=True, frozen_stages=1)
    built.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    weights = [weight for weight in built.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, fused=True)
    pictures = torch.rand(BATCH, 1, size, size).contiguous(memory_format=torch.channels_last)
    targets = torch.randint(0, 4, (BATCH,))

    def step() -> None:
        outputs = built(pictures)
        loss = (
            nn.functional.cross_entropy(outputs.logits, targets) + outputs.outline.square().mean()
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    for _ in range(2):
        step()
    began = time.perf_counter()
    for _ in range(steps):
        step()
    return BATCH * steps / (time.perf_counter() - began)


def main() -> None:
    """Measure both ways, or one of them in this very process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="tf_efficientnet_lite0")
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--only", choices=("kept", "given_back"))
    chosen = parser.parse_args()
    if chosen.only:
        if chosen.only == "kept":
            keep_freed_memory()
        print(pictures_a_second(chosen.network, chosen.size, chosen.steps))
        return
    found = {}
    for way in ("given_back", "kept"):
        command = [sys.executable, *sys.argv, "--only", way]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found[way] = round(float(output.split()[-1]), 1)
    print(json.dumps({"unit": "pictures a second", "threads": torch.get_num_threads(), **found}))


if __name__ == "__main__":
    main()
