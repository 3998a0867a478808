"""The settings of a training run on volumes, read from a TOML file with this ``task``."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tumorlens.lab.config import Section

_Side = Annotated[int, Field(ge=8, le=512, multiple_of=8)]
_Sequence = Literal["t1", "t1c", "t2", "flair"]


class VolumeData(Section):
    """Which sequences, on which grid, and how patients are cut into training and validation."""

    sequences: tuple[_Sequence, ...] = ("flair", "t1", "t1c", "t2")
    """In the order of the network's channels."""
    regions: tuple[Literal["WT", "TC", "ET"], ...] = ("WT", "TC", "ET")
    """In the order of its outputs."""
    spacing_mm: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Of the grid that heads are resampled to, where theirs is another."""
    clear_background: bool = False
    """Whether what lies around heads with their skull on is made 0, in training and answering."""
    folds: int = Field(default=5, ge=2)
    """How many parts the patients are cut into."""
    validation_fold: int = Field(default=0, ge=0)
    """Which part validates."""
    split: str = ""
    """The ``split.csv`` of an earlier run, on heads or on pictures: its validation patients
    validate. Cut anew where empty."""
    repeat: dict[str, Annotated[int, Field(ge=1)]] = Field(default={})
    """How many times as often a data set's heads are drawn, by the name of its folder."""

    @model_validator(mode="after")
    def _once(self) -> Self:
        for names in (self.sequences, self.regions):
            if not names or len(set(names)) < len(names):
                raise ValueError("names that stand there once")
        if min(self.spacing_mm) <= 0:
            raise ValueError("a spacing above 0")
        if self.validation_fold >= self.folds:
            raise ValueError("a validation_fold below folds")
        return self


class VolumeNetwork(Section):
    """Which network."""

    name: str = "segresnet"
    """A name in `tumorlens.lab.volumes.networks.NETWORKS`."""
    filters: int = Field(default=16, ge=4, le=128, multiple_of=4)
    """Of the first level of a network in three dimensions; each deeper one has twice as many."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Of networks in three dimensions."""
    weights: str = "none"
    """Where its encoder starts: ``none``, ``imagenet`` or a file; networks in three dimensions
    know ``none`` only."""


class VolumeAugmentation(Section):
    """How much patches are changed at random; 0 switches one off."""

    flip: float = Field(default=0.5, ge=0, le=1)
    """Probability of mirroring, for each axis."""
    rotation_deg: float = Field(default=0.0, ge=0, le=180)
    """Largest turn within axial slices."""
    zoom: float = Field(default=1.0, ge=1)
    """Largest factor of size within axial slices; the smallest is its inverse."""
    scale: float = Field(default=0.1, ge=0, lt=1)
    """Largest change of contrast, as a part."""
    shift: float = Field(default=0.1, ge=0)
    """Largest change of brightness, in standard deviations."""
    noise: float = Field(default=0.05, ge=0)
    """Largest standard deviation of Gaussian noise."""
    sequence_dropout: float = Field(default=0.0, ge=0, lt=1)
    """Probability with which each sequence is left out (one that shows something always stays);
    above 0 the finished model also answers where one is missing."""


class VolumeTraining(Section):
    """How the network is trained."""

    epochs: int = Field(default=300, ge=1)
    batch_size: int = Field(default=1, ge=1)
    patch: tuple[_Side, _Side, _Side] = (128, 128, 128)
    """Voxels of what the network learns from and of the exported graph's input: multiples of 16
    for networks in three dimensions, of 32 in X and Y for those over slices."""
    patches: int = Field(default=1, ge=1)
    """Drawn from each head in each epoch."""
    tumor_share: float = Field(default=0.67, ge=0, le=1)
    """Of the patches: those in the middle of which there is tumor; the others show any brain."""
    loss: str = "dice_ce"
    """A name in `tumorlens.lab.volumes.losses.LOSSES`."""
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=1e-5, ge=0)
    warmup_epochs: float = Field(default=1.0, ge=0)
    gradient_norm: float = Field(default=12.0, gt=0)
    """Gradients are cut to this norm."""
    validate_every: int = Field(default=5, ge=1)
    """Epochs from one validation on whole heads to the next; the last epoch is validated too."""
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    workers: int = Field(default=0, ge=0)
    """Processes that cut patches beside the training."""
    seed: int = Field(default=0, ge=0)


class VolumeInference(Section):
    """How the finished model answers."""

    overlap: float = Field(default=0.5, ge=0, lt=1)
    """Of neighbouring patches."""
    flips: bool = False
    """Whether answers are averaged over the eight mirrored copies: eight times as slow."""


class VolumeCardSettings(Section):
    """What the model's card says beside what is measured."""

    intended_use: str = "Research and teaching on brain MRI."
    limitations: tuple[str, ...] = ()
    licence: str = "not stated"
    source: str = ""
    """Where the data come from, and their terms."""


class VolumeConfig(Section):
    """All settings of one training run."""

    task: Literal["outline_volume"]
    name: str = "volumes"
    version: str = "0.1.0"
    data: VolumeData = VolumeData()
    network: VolumeNetwork = VolumeNetwork()
    augmentation: VolumeAugmentation = VolumeAugmentation()
    training: VolumeTraining = VolumeTraining()
    inference: VolumeInference = VolumeInference()
    card: VolumeCardSettings = VolumeCardSettings()
