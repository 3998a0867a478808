from pathlib import Path

import numpy as np

from tumorlens.lab.datasets import Example
from tumorlens.lab.evaluation import score_answers
from tumorlens.lab.evaluation.mistakes import draw_mistakes, worst_mistakes
from tumorlens.model import Model


def test_the_surest_mistakes_come_first_one_a_patient(model: Model) -> None:
    examples = [
        Example(Path("x"), f"set/{k}", "glioma", f"set:{k // 2}", str(k // 2), "set")
        for k in range(8)
    ]
    sure = [0.9, 0.8, 0.95, 0.7, 0.6, 0.99, 0.55, 0.5]
    rows = np.array([[1 - one, one, 0, 0] for one in sure], np.float32)
    rows[5] = (1, 0, 0, 0)  # right
    evaluation = score_answers(model, examples, rows)
    worst = worst_mistakes(evaluation, most=3)
    assert [one.picture for one in worst] == ["set/2", "set/0", "set/4"]
    assert {(one.truth, one.answer) for one in worst} == {("glioma", "meningioma")}
    pixels = np.random.default_rng(0).integers(0, 40, (8, 64, 64)).astype(np.uint8)
    pixels[2, 20:40, 20:40] = 250
    gray, blend = draw_mistakes(model, worst, pixels)[0]
    assert (gray[..., 0] == pixels[2]).all()
    assert blend.shape == (64, 64, 3)
    assert (blend != gray).any()
