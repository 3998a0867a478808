import numpy as np

from tumorlens.lab.evaluation.pictures_of_scores import draw_precision_recall, draw_roc

CLASSES = ("cost $x^{$ a", "b")


def test_class_names_are_no_formulas() -> None:
    rows = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.4, 0.6]], np.float32)
    targets = np.array([0, 1, 1, 0])
    for draw in (draw_roc, draw_precision_recall):
        assert draw(rows, targets, CLASSES).startswith(b"\x89PNG")
