"""Learning from finished networks: what they say, what that costs, and that it is learnt."""

import json
from pathlib import Path

import pytest
import torch

from tumorlens.card import Card, write_card
from tumorlens.errors import ConfigError
from tumorlens.lab.bench import set_up
from tumorlens.lab.checkpoint import BEST, save_checkpoint
from tumorlens.lab.config import Config, parse_config
from tumorlens.lab.datasets import load_examples
from tumorlens.lab.distilling import Lesson, Teachers, lesson_loss
from tumorlens.lab.networks import build_network
from tumorlens.lab.pictures import Pictures, load_pictures
from tumorlens.lab.splitting import Split, split_by_group
from tumorlens.lab.training import predict_logits, train
from tumorlens.labels import CLASSES

ONE_QUICK_EPOCH = {"epochs": 1, "learning_rate": 0.03, "warmup_epochs": 0}


def config(**training: object) -> Config:
    return parse_config(
        {
            "preparation": {"size": 32},
            "network": {"name": "custom_cnn"},
            "training": {"epochs": 2, "batch_size": 8, "learning_rate": 0.003} | training,
            "data": {"folds": 3},
        }
    )


@pytest.fixture
def data(class_folders: Path) -> tuple[Pictures, Split]:
    pictures = load_pictures(load_examples(class_folders), config().preparation.build())
    return pictures, split_by_group(pictures.examples, folds=3, fold=0, seed=0)


def teacher_run(run: Path, *, weights: str = "none") -> Path:
    """The folder of a finished run whose network says meningioma whatever it is shown."""
    teacher = build_network("custom_cnn", classes=4)
    torch.nn.init.zeros_(teacher.linear.weight)
    teacher.linear.bias.data = torch.tensor([0.0, 6.0, 0.0, 0.0])
    save_checkpoint(run / BEST, teacher, None, {})
    settings = config().model_dump(mode="json")
    settings["network"]["weights"] = weights
    (run / "run.json").write_text(json.dumps({"config": settings}))
    card = Card(
        name="teacher",
        version="1.0.0",
        classes=CLASSES,
        preparation=config().preparation.build(),
        temperature=1.0,
        sha256="",
        network="custom_cnn",
        created="2026-01-01",
        intended_use="",
        limitations=(),
        licence="CC0",
        data={},
        training={},
    )
    (run / "model").mkdir()
    write_card(run / "model", card)
    return run


def test_teachers_answer_with_the_softmax_of_their_mean_logits() -> None:
    networks = [build_network("custom_cnn", classes=3).eval() for _ in range(2)]
    pictures = torch.rand(4, 1, 32, 32)
    with torch.inference_mode():
        lesson = Teachers(networks)(pictures)
        logits = torch.stack([network(pictures).logits for network in networks]).mean(dim=0)
    torch.testing.assert_close(lesson.probabilities, logits.softmax(dim=1))
    assert lesson.outline is None


def test_outlines_are_those_of_the_teachers_that_outline() -> None:
    outlining = build_network("custom_cnn", classes=3, outlines=True).eval()
    both = Teachers([build_network("custom_cnn", classes=3).eval(), outlining])
    pictures = torch.rand(2, 1, 32, 32)
    with torch.inference_mode():
        drawn = both(pictures).outline
        torch.testing.assert_close(drawn, outlining(pictures).outline.sigmoid())


def test_the_loss_is_lowest_where_the_student_says_the_same() -> None:
    outlining = build_network("custom_cnn", classes=3, outlines=True).eval()
    with torch.inference_mode():
        said = outlining(torch.rand(2, 1, 32, 32))
    assert said.outline is not None
    lesson = Lesson(said.logits.softmax(dim=1), said.outline.sigmoid())
    cost = lesson_loss(said, lesson, outline_weight=1.0)
    otherwise = said._replace(logits=said.logits.roll(1, dims=1))
    elsewhere = said._replace(outline=said.outline + 1)
    assert lesson_loss(otherwise, lesson, outline_weight=1.0) > cost
    assert lesson_loss(elsewhere, lesson, outline_weight=1.0) > cost
    unseen = lesson_loss(said, lesson._replace(outline=None), outline_weight=1.0)
    torch.testing.assert_close(lesson_loss(elsewhere, lesson, outline_weight=0.0), unseen)


def test_a_student_of_nothing_but_its_teacher_says_what_the_teacher_says(
    data: tuple[Pictures, Split], tmp_path: Path
) -> None:
    run = teacher_run(tmp_path / "teacher")
    pictures, split = data

    def says(share: float) -> float:
        taught = config(teachers=(run.as_posix(),), distillation=share, **ONE_QUICK_EPOCH)
        network = train(taught, pictures, split, CLASSES, tmp_path / f"student_{share}").network
        said = torch.from_numpy(predict_logits(network, pictures.pixels[list(split.validation)]))
        return float(said.softmax(dim=1)[:, 1].mean())

    assert says(1.0) > says(0.0) + 0.3
    settings = config(teachers=(run.as_posix(),))
    told = set_up(settings, pictures, split, CLASSES).teachers
    assert told is not None
    assert not any(weight.requires_grad for weight in told.parameters())


def test_a_folder_that_is_no_finished_run_is_refused(
    data: tuple[Pictures, Split], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="no settings in"):
        set_up(config(teachers=(tmp_path.as_posix(),)), *data, CLASSES)


def test_a_teacher_names_the_same_classes_and_sees_scans_alike(
    data: tuple[Pictures, Split], tmp_path: Path
) -> None:
    settings = config(teachers=(teacher_run(tmp_path / "teacher").as_posix(),))
    with pytest.raises(ConfigError, match="a teacher of the same classes"):
        set_up(settings, *data, CLASSES[::-1])
    wider = settings.preparation.model_copy(update={"margin": 0.5})
    with pytest.raises(ConfigError, match="a teacher of the same preparation"):
        set_up(settings.model_copy(update={"preparation": wider}), *data, CLASSES)


def test_a_teachers_own_first_weights_are_not_looked_for(
    data: tuple[Pictures, Split], tmp_path: Path
) -> None:
    run = teacher_run(tmp_path / "teacher", weights="long_gone.safetensors")
    assert set_up(config(teachers=(run.as_posix(),)), *data, CLASSES).teachers is not None


def test_outlines_of_another_size_are_brought_to_the_students() -> None:
    outputs = build_network("custom_cnn", classes=3, outlines=True).eval()(torch.rand(2, 1, 32, 32))
    assert outputs.outline is not None
    lesson = Lesson(outputs.logits.softmax(dim=1).detach(), torch.rand(2, 1, 64, 64))
    assert torch.isfinite(lesson_loss(outputs, lesson, outline_weight=1.0))
    smaller = lesson._replace(outline=torch.rand(2, 1, 8, 8))
    assert torch.isfinite(lesson_loss(outputs, smaller, outline_weight=1.0))
