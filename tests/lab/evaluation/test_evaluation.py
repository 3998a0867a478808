import json
from pathlib import Path

import pytest
from PIL import Image

from tumorlens.errors import DataError
from tumorlens.lab.datasets import load_examples
from tumorlens.lab.evaluation import evaluate, write_evaluation
from tumorlens.lab.evaluation.parts import examples_of_part
from tumorlens.model import load_model


def test_it_is_written_whole(class_folders: Path, model_folder: Path, tmp_path: Path) -> None:
    evaluation = evaluate(load_model(model_folder), load_examples(class_folders))
    write_evaluation(tmp_path, evaluation, command="the command")
    record = json.loads((tmp_path / "evaluation.json").read_text())
    assert record["command"] == "the command"
    assert record["scores"]["count"] == 48
    assert set(record["per_dataset"]) == {"made"}
    for name in ("confusion.png", "roc.png"):
        with Image.open(tmp_path / name) as picture:
            assert min(picture.size) > 300


def test_classes_the_model_does_not_know_are_refused(
    class_folders: Path, model_folder: Path, tmp_path: Path
) -> None:
    strange = tmp_path / "made"
    for name in ("glioma", "metastasis"):
        (strange / name).mkdir(parents=True)
        source = next((class_folders / "Training" / "glioma_tumor").iterdir())
        (strange / name / "1.png").write_bytes(source.read_bytes())
    with pytest.raises(DataError, match="metastasis"):
        evaluate(load_model(model_folder), load_examples(strange))


def test_a_part_with_absent_pictures_is_refused(class_folders: Path, tmp_path: Path) -> None:
    split = tmp_path / "split.csv"
    split.write_text(
        "picture,label,group,part\nmade/Training/glioma_tumor/99.png,glioma,g,validation\n"
    )
    with pytest.raises(DataError, match="1 missing"):
        examples_of_part(class_folders, split=split, part="validation")
