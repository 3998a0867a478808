"""A picture of what augmentation makes of pictures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from tumorlens.errors import DataError
from tumorlens.lab.augmentation import augment, mix_up
from tumorlens.lab.config import Config
from tumorlens.lab.datasets import Example, load_examples
from tumorlens.lab.figure import new_figure, plain, save_figure
from tumorlens.lab.pictures import Pictures, load_pictures
from tumorlens.lab.transplanting import Labelled, transplant
from tumorlens.reporting.folder import check_writable, writing


def draw_preview(
    config: Config, data: Path, path: Path, *, pictures: int, samples: int, seed: int
) -> int:
    """Draw a grid: each row a picture as prepared, then samples of it.

    Args:
        config: Its data sets, preparation, network (outlines move along) and augmentation.
        data: A data set's folder, or one that holds several.
        path: The PNG to write.
        pictures: How many rows; fewer where there are fewer.
        samples: Of each picture.
        seed: Of the choice of pictures, spread over the classes, and of the changes.

    Returns:
        How many pictures were drawn.

    Raises:
        DataError: The data cannot be read, or nothing is to be seen in the pictures chosen.
        ConfigError: The picture cannot be written.
    """
    check_writable(path.parent)
    found = load_examples(data, only=config.data.datasets)
    chosen = _spread(found, pictures, seed)
    loaded = load_pictures(chosen, config.preparation.build())
    if not loaded.examples:
        raise DataError(
            expected="a picture in which something is to be seen",
            found=f"hardly any contrast in the {len(chosen)} that were chosen",
            remedy="Give --pictures more, or other data.",
            source=str(data),
        )
    changed = _changed(config, loaded, samples, seed)
    rows, columns = len(loaded.examples), samples + 1
    figure, (whole,) = new_figure(width=1.4 * columns, height=1.4 * rows)
    whole.remove()
    axes = figure.subplots(rows, columns, squeeze=False)
    for row, (example, before, after) in enumerate(
        zip(loaded.examples, loaded.pixels, changed, strict=True)
    ):
        _show(axes[row][0], before / 255, title=plain(f"{example.dataset}\n{example.label}"))
        for axis, one in zip(axes[row][1:], after, strict=True):
            _show(axis, one[0].numpy())
            if one[1].max() > 0.5:
                axis.contour(one[1].numpy(), [0.5], colors="#e69f00", linewidths=0.8)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    save_figure(figure, path)
    return len(loaded.examples)


def _changed(config: Config, loaded: Pictures, samples: int, seed: int) -> Tensor:
    """(pictures, samples, channels, size, size); the tumor's mask in the second channel."""
    generator = torch.Generator().manual_seed(seed)
    batch = torch.from_numpy(np.stack([loaded.pixels, loaded.masks], axis=1)).float() / 255
    classes = tuple(sorted({example.label for example in loaded.examples}))
    targets = torch.tensor([classes.index(example.label) for example in loaded.examples])
    labelled = Labelled(batch, targets, torch.from_numpy(loaded.outlined))
    settings = config.augmentation
    found = []
    for _ in range(samples):
        one = transplant(labelled, settings, classes=classes, generator=generator).layers
        one = augment(one, settings, size=config.training_size, generator=generator)
        mixed, _, _ = mix_up(one[:, :1], settings, generator=generator)
        found.append(torch.cat([mixed, one[:, 1:]], dim=1))
    return torch.stack(found, dim=1)


def _spread(examples: Sequence[Example], count: int, seed: int) -> list[Example]:
    """Random examples, one of each class of each data set before a second of any."""
    order = np.random.default_rng(seed).permutation(len(examples))
    seen: dict[tuple[str, str], int] = {}
    ranked = []
    for index in order:
        example = examples[index]
        kind = (example.dataset, example.label)
        seen[kind] = seen.get(kind, 0) + 1
        ranked.append((seen[kind], example))
    ranked.sort(key=lambda one: one[0])
    return [example for _, example in ranked[:count]]


def _show(axis: Axes, pixels: np.ndarray, *, title: str = "") -> None:
    axis.imshow(pixels, cmap="gray", vmin=0, vmax=1)
    axis.set_axis_off()
    if title:
        axis.set_title(title, fontsize=7)
