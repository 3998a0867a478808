import numpy as np
import pytest
from scipy.special import softmax

from tumorlens.lab.calibration import fit_temperature


@pytest.mark.parametrize("true", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_logits_is_found(true: float) -> None:
    rng = np.random.default_rng(0)
    honest = rng.normal(0, 2, (4000, 4))
    targets = np.array([rng.choice(4, p=row) for row in softmax(honest, axis=1)])
    found = fit_temperature((honest * true).astype(np.float32), targets)
    assert found == pytest.approx(true, rel=0.1)
