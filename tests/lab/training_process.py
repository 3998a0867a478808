"""Trains on a folder of classes; one of torchrun's processes, or the only one.

    python training_process.py DATA RUN CONFIG.json

Batch norm sees its own process's part alone, and dropout draws for it alone: here the first keeps
its statistics and the second does nothing, so that two processes can be held against one.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch import nn

from tumorlens.lab.config import parse_config
from tumorlens.lab.datasets import load_examples
from tumorlens.lab.pictures import load_pictures
from tumorlens.lab.splitting import split_by_group
from tumorlens.lab.training import train
from tumorlens.labels import CLASSES


def main() -> None:
    data, run, settings = map(Path, sys.argv[1:])
    for kind in (nn.BatchNorm2d, nn.Dropout2d):
        kind.train = lambda self, mode=True: nn.Module.train(self, False)
    config = parse_config(json.loads(settings.read_text()))
    pictures = load_pictures(load_examples(data), config.preparation.build())
    bright = np.where(pictures.pixels > 190, 255, 0).astype(np.uint8)
    pictures = replace(pictures, masks=bright, outlined=np.arange(len(bright)) % 3 > 0)
    split = split_by_group(pictures.examples, folds=3, fold=0, seed=0)
    heard: list[int] = []
    trained = train(
        config, pictures, split, CLASSES, run, on_epoch=lambda record: heard.append(record.epoch)
    )
    assert len(heard) == len(trained.history)


main()
