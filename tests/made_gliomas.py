"""A made-up head with a glioma that the bundled models see: upon the template in ``examples``."""

from pathlib import Path

import nibabel
import numpy as np

TEMPLATE = Path(__file__).parents[1] / "examples" / "mni152_t1.nii.gz"
RADIUS_MM = 24.0
_CENTER = (44, 42, 40)  # right, in voxels of 3 mm


def made_glioma() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """T1, T1 with contrast, FLAIR and labels of the template with a ball of edema in it.

    Returns:
        int16 by sequence and uint8 ``seg``, of one shape, and their affine (RAS, 3 mm). FLAIR is
        the template with fluid dark and gray matter brighter than white; in it the ball is bright
        with a soft edge, in T1 somewhat dark, with a rim that enhances round its middle.
    """
    template = nibabel.load(TEMPLATE)
    t1 = np.asarray(template.dataobj, np.float32)
    t1 /= np.percentile(t1[t1 > 0], 99)
    brain = t1 > 0.08
    places = np.stack(np.meshgrid(*map(np.arange, t1.shape), indexing="ij"), -1)
    away = np.linalg.norm((places - _CENTER) * template.header.get_zooms(), axis=-1)
    ball = 1 / (1 + np.exp((away - RADIUS_MM) / 2))
    flair = np.interp(t1, [0, 0.25, 0.6, 0.75, 1], [0, 0.15, 0.62, 0.6, 0.52])
    dark = t1 * (1 - 0.35 * ball)
    found = {
        "flair": flair * (1 - ball) + ball,
        "t1": dark,
        "t1c": np.where(np.abs(away - RADIUS_MM / 2) < 3, 1.1, dark),
    }
    random = np.random.default_rng(0)
    head = {
        name: (600 * values * random.normal(1, 0.03, t1.shape) * brain).astype(np.int16)
        for name, values in found.items()
    }
    return head | {"seg": ((away < RADIUS_MM) & brain).astype(np.uint8)}, template.affine
