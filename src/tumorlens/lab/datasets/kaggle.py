"""Which data sets can be downloaded from Kaggle; known without kagglehub."""

import difflib

from tumorlens.errors import ConfigError, DataError
from tumorlens.lab.datasets import DATASETS


def kaggle_handle(name: str) -> str:
    """Where a data set lies on Kaggle, as ``owner/name``.

    Raises:
        ConfigError: No data set of this name; the nearest one is named.
        DataError: It is not on Kaggle; the message says where it is.
    """
    if name not in DATASETS:
        nearest = difflib.get_close_matches(name, DATASETS, n=1)
        raise ConfigError(
            expected="one of " + ", ".join(DATASETS),
            found=repr(name),
            remedy=f"Did you mean {nearest[0]}?" if nearest else "Choose one of these.",
            source="datasets get",
        )
    about = DATASETS[name].about
    if about.kaggle is not None:
        return about.kaggle
    if not about.address:
        raise DataError(
            expected="a published data set",
            found=f"{about.title}, a layout for your own",
            remedy=f"It is recognised by: {about.recognised_by}.",
            source=name,
        )
    raise DataError(
        expected="a data set that its authors publish on Kaggle",
        found=f"{about.title}, which they do not",
        remedy=f"Download it from {about.address} and unpack it into a folder.",
        source=name,
    )
