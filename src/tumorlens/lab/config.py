"""A training run's settings: frozen models with defaults, read from a TOML file.

Values are overridden by ``section.key=value``. A key that does not exist is an error that names
the nearest one that does.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from tumorlens.home_folder import expand
from tumorlens.lab.settings import parse_settings
from tumorlens.lab.settings_file import read_values
from tumorlens.preparation import SKULL_STRIPPERS, Preparation, strips_volumes


class Section(BaseModel):
    """Settings that belong together: frozen, finite, and no key that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _at_home(path: str) -> str:
    return str(expand(path)) if path.startswith("~") else path


GivenPath = Annotated[str, AfterValidator(_at_home)]
"""A path, or a name that stands for one; ``~`` is the home folder."""


class DataConfig(Section):
    """Which pictures, and how they are cut into training and validation."""

    datasets: tuple[str, ...] = ()
    """Names of the data sets' folders; all that are recognised where empty."""
    folds: int = Field(default=5, ge=2)
    """How many parts the groups are cut into."""
    validation_fold: int = Field(default=0, ge=0)
    """Which part validates."""
    split: GivenPath = ""
    """The ``split.csv`` of an earlier run to take over, or ``official`` for the data sets' own
    parts, to reproduce a published figure; cut anew where empty."""
    groups: GivenPath = ""
    """The ``groups.csv`` of ``tumorlens audit``: what stands in one of its groups stays on one
    side, beside what training ties by itself; nothing more where empty."""
    leave_out: tuple[str, ...] = ()
    """Data sets that are one source and neither train nor validate; the finished model is tested
    on them (leave one source out)."""
    share: dict[str, Annotated[float, Field(gt=0, le=1)]] = {}
    """Part of a data set's training pictures drawn afresh each epoch, in (0, 1]; 1 by default."""
    keep: dict[str, Annotated[float, Field(gt=0, le=1)]] = {}
    """Part of a class's training pictures that stay at all, by class, in (0, 1]; 1 by default.
    Whole patients' go, always the same ones: for experiments on rare classes."""

    @model_validator(mode="after")
    def _one_split(self) -> Self:
        if self.split and self.leave_out:
            raise ValueError("data.split or data.leave_out, not both")
        return self

    @model_validator(mode="after")
    def _one_of_the_folds(self) -> Self:
        if not self.split and self.validation_fold >= self.folds:
            raise ValueError("a validation_fold below folds: the first is 0")
        return self


class PreparationConfig(Section):
    """See `tumorlens.preparation.Preparation`."""

    size: int = Field(default=224, ge=32, le=1024)
    percentiles: tuple[float, float] = (0.5, 99.5)
    head_threshold: float = Field(default=0.1, gt=0, lt=1)
    margin: float = Field(default=0.02, ge=0, le=1)
    skull_strip: str = ""
    """A method for slices in `tumorlens.preparation.SKULL_STRIPPERS`; the skull stays on where
    empty."""

    @model_validator(mode="after")
    def _known_stripper(self) -> Self:
        names = [name for name in SKULL_STRIPPERS if not strips_volumes(name)]
        if self.skull_strip not in ("", *names):
            raise ValueError(f"one of {', '.join(names)}: training sees single slices")
        return self

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        low, high = self.percentiles
        if not 0 <= low < high <= 100:
            raise ValueError("two percentiles in order, from 0 to 100")
        return self

    def build(self) -> Preparation:
        """The same settings as the runtime knows them."""
        return Preparation(**self.model_dump() | {"skull_strip": self.skull_strip or None})


class NetworkConfig(Section):
    """Which network, and where it starts."""

    name: str = "custom_cnn"
    """A name in `tumorlens.lab.networks.NETWORKS`."""
    weights: GivenPath = "none"
    """``none``, ``imagenet``, a file of weights, a checkpoint of an earlier run, a model folder,
    or ``bundled``, the bundled model."""
    dropout: float = Field(default=0.2, ge=0, lt=1)
    frozen_stages: int = Field(default=0, ge=0)
    """How many of the first stages keep their weights and batch-norm statistics."""
    outlines: bool = False
    """Whether it also outlines the tumor, from the same pass."""


class AugmentationConfig(Section):
    """How much pictures are changed at random; 0 (or 1 for factors) switches one off."""

    flip: float = Field(default=0.5, ge=0, le=1)
    """Probability of mirroring left and right."""
    upside_down: float = Field(default=0.0, ge=0, le=1)
    """Probability of mirroring top and bottom."""
    rotation_deg: float = Field(default=15.0, ge=0, le=180)
    zoom: float = Field(default=1.2, ge=1)
    """Largest factor; the smallest is its inverse."""
    stretch: float = Field(default=1.08, ge=1)
    """Largest factor by which the aspect changes."""
    shift: float = Field(default=0.06, ge=0, le=0.5)
    """Largest shift as a fraction of the side."""
    contrast: float = Field(default=1.4, ge=1)
    brightness: float = Field(default=0.1, ge=0, le=1)
    gamma: float = Field(default=1.6, ge=1)
    bias_field: float = Field(default=0.3, ge=0, le=2)
    """Largest logarithm of a smooth multiplicative field."""
    noise: float = Field(default=0.03, ge=0, le=1)
    """Largest standard deviation of Gaussian noise."""
    curve: float = Field(default=0.0, ge=0, le=1)
    """Probability of a random curve of intensities; one in three of them falls."""
    amplitude: float = Field(default=0.0, ge=0, le=1)
    """Probability of taking over another picture's coarse amplitudes (Fourier mixing)."""
    coarseness: float = Field(default=0.0, ge=0, le=1)
    """Probability of a lower resolution."""
    rim: float = Field(default=0.0, ge=0, le=1)
    """Probability of losing the skull: what lies outside an ellipse within the head."""
    ghosting: float = Field(default=0.0, ge=0, le=1)
    """Probability of faint copies of the head, as breathing and pulse make them."""
    motion: float = Field(default=0.0, ge=0, le=1)
    """Probability of a head that moved during the scan."""
    mixup: float = Field(default=0.0, ge=0, le=10)
    """Of the Beta distribution that shares of two mixed pictures are drawn from; 0 for none."""
    blend: float = Field(default=0.0, ge=0, le=1)
    """Probability of a weighted mean with another sequence of the same slice."""
    transplant: float = Field(default=0.0, ge=0, le=1)
    """Probability that a tumor-free head gets another picture's tumor."""
    removal: float = Field(default=0.0, ge=0, le=1)
    """Probability that a tumor is covered with tissue, and the picture counts as tumor-free."""
    decoy: float = Field(default=0.0, ge=0, le=1)
    """Probability of a piece of healthy tissue laid in like a tumor, which changes no label."""


class TrainingConfig(Section):
    """How the network is trained."""

    epochs: int = Field(default=12, ge=1)
    batch_size: int = Field(default=32, ge=2)
    size: int | None = Field(default=None, ge=32, le=1024)
    """Side of the training pictures; the preparation's size where absent."""
    first_size: int | None = Field(default=None, ge=32, le=1024)
    """Side of the training pictures in the first epoch, from where it grows evenly to ``size``;
    ``size`` all along where absent."""
    learning_rate: float = Field(default=1e-3, gt=0)
    weight_decay: float = Field(default=0.02, ge=0)
    warmup_epochs: float = Field(default=1.0, ge=0)
    depth_decay: float = Field(default=1.0, gt=0, le=1)
    """Each stage learns at this part of the next deeper one's rate; 1 for all alike."""
    unfreeze_every: int = Field(default=0, ge=0)
    """Epochs after each of which one more frozen stage begins to learn, the deepest first; 0
    for never."""
    cycles: int = Field(default=1, ge=1)
    """How often the learning rate falls to zero; a snapshot is kept each time, where more than
    once."""
    loss: str = "cross_entropy"
    """A name in `tumorlens.lab.losses.LOSSES`."""
    focus: float = Field(default=2.0, ge=0)
    """Of the focal loss: how little pictures count that are already named rightly."""
    class_weights: bool = True
    """Whether rare classes weigh more, by the inverse of their frequency."""
    effective_number: float = Field(default=1.0, ge=0, le=1)
    """How much one more picture of a class still tells (beta of the effective number of
    pictures, which then stands for the frequency); 1 for the frequency itself."""
    sampler: Literal["plain", "balanced"] = "plain"
    """``balanced`` draws each class alike, pictures of rare ones several times an epoch."""
    smote: bool = False
    """Whether the linear layer is trained once more at the end, on the training pictures'
    embeddings, with rare classes filled up by SMOTE."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    outline_weight: float = Field(default=1.0, ge=0)
    """Of the outline's loss, beside the class's, where the network outlines."""
    attention_weight: float = Field(default=0.0, ge=0)
    """Of the loss that holds the heatmap to the mask, where there is one."""
    teachers: tuple[GivenPath, ...] = ()
    """Run folders of finished networks whose answers are learnt beside the labels."""
    distillation: float = Field(default=0.7, ge=0, le=1)
    """Share of the teachers' answers in the loss, where there are teachers."""
    averaging: float = Field(default=0.0, ge=0, lt=1)
    """Decay of the moving average of the weights that is validated and kept; 0 for none."""
    patience: int = Field(default=5, ge=1)
    """Epochs without a better validation loss after which training stops."""
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    seed: int = Field(default=0, ge=0, le=2**32 - 1)

    @model_validator(mode="after")
    def _whole_cycles(self) -> Self:
        if self.epochs % self.cycles:
            raise ValueError("epochs that the cycles divide")
        return self


class SourceConfig(Section):
    """Where one data set comes from, for the model's card."""

    source: str
    licence: str


class CardConfig(Section):
    """What the model's card says beside what is measured."""

    intended_use: str = "Research and teaching on brain MRI."
    limitations: tuple[str, ...] = ()
    licence: str = "not stated"
    """Of the weights."""
    sources: dict[str, SourceConfig] = {}
    """By the data set's name."""
    size: int | None = Field(default=None, ge=32, le=1024)
    """Side of the pictures that the finished model answers; the preparation's where absent.
    Networks that learnt from zoomed pieces often answer best on smaller pictures (H. Touvron and
    others, "Fixing the train-test resolution discrepancy", NeurIPS 2019, arXiv:1906.06423)."""


class Config(Section):
    """All settings of one training run."""

    task: Literal["classify"] = "classify"
    """What the model is for; ``outline_volume`` has settings of its own
    (`tumorlens.lab.volumes.settings`)."""
    name: str = "model"
    version: str = "0.1.0"
    data: DataConfig = DataConfig()
    preparation: PreparationConfig = PreparationConfig()
    network: NetworkConfig = NetworkConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    training: TrainingConfig = TrainingConfig()
    card: CardConfig = CardConfig()

    @field_validator("name")
    @classmethod
    def _names_a_folder(cls, name: str) -> str:
        """Runs and trials are kept in folders of this name, within others."""
        place = Path(name)
        if not name.strip() or "\0" in name or place.is_absolute() or ".." in place.parts:
            raise ValueError("a name that a folder can have, such as my_network")
        return name

    @property
    def training_size(self) -> int:
        """Side of the training pictures in pixels."""
        return self.training.size or self.preparation.size

    @property
    def answering(self) -> Preparation:
        """How the finished model prepares scans: as it learnt, but for its size."""
        return replace(self.preparation.build(), size=self.card.size or self.preparation.size)

    def size_in(self, epoch: int) -> int:
        """Side of the training pictures in an epoch (from 1), a multiple of 16 while it grows.

        Learning on small pictures first costs a fraction of the time (M. Tan and Q. Le,
        "EfficientNetV2", ICML 2021, arXiv:2104.00298, section 4.2).
        """
        last, first = self.training_size, self.training.first_size
        if first is None or epoch >= self.training.epochs:
            return last
        grown = first + (last - first) * (epoch - 1) / (self.training.epochs - 1)
        return min(last, round(grown / 16) * 16)


def read_config(path: Path, *, overrides: Sequence[str] = ()) -> Config:
    """Read a TOML file (see `tumorlens.lab.settings_file`) with ``section.key=value`` overrides.

    Raises:
        ConfigError: The file is absent or no TOML, or a key or value is wrong.
    """
    return parse_config(read_values(path, overrides=overrides), source=str(path))


def parse_config(values: dict[str, Any], *, source: str = "") -> Config:
    """Check settings given as nested dictionaries.

    Raises:
        ConfigError: A key is unknown (the nearest known one is named) or a value out of range.
    """
    return parse_settings(Config, values, source=source)
