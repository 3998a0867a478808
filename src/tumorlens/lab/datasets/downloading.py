"""Data sets from Kaggle, through kagglehub (extra ``data``)."""

import shutil
from pathlib import Path

import kagglehub
from kagglehub.exceptions import (
    BackendError,
    CredentialError,
    DataCorruptionError,
    UnauthenticatedError,
)

from tumorlens.errors import DataError
from tumorlens.lab.datasets import DATASETS, Example, load_examples, recognise
from tumorlens.lab.datasets.example import About
from tumorlens.lab.datasets.kaggle import kaggle_handle

_REFUSED = (401, 403)
_MARKER = ".complete"  # kagglehub's own; of no use once the folder has its name


def download(name: str, folder: Path) -> list[Example]:
    """Download a data set into a folder of its own, and read it.

    It is downloaded beside the folder and renamed when whole, so that a killed download leaves
    no folder that looks like the data set. A folder that holds the data set already is read.

    Args:
        name: A name in `tumorlens.lab.datasets.DATASETS` that is on Kaggle.
        folder: The data set's folder; made if absent.

    Returns:
        Its examples.

    Raises:
        ConfigError: There is no such name.
        DataError: It is not on Kaggle, or there is no connection, or Kaggle refuses, or the
            folder holds something else, or what came is not the data set.
    """
    handle = kaggle_handle(name)
    if not folder.exists() or not any(folder.iterdir()):
        _fetch(DATASETS[name].about, handle, folder)
    if (found := recognise(folder)) != name:
        raise DataError(
            expected=f"a folder for {name}, absent or empty or with the data set in it",
            found=f"the data set {found}" if found else "other files",
            remedy="Give another --output folder, or move these files away.",
            source=str(folder),
        )
    return load_examples(folder, binary=True)


def _fetch(about: About, handle: str, folder: Path) -> None:
    aside = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.parent.mkdir(parents=True, exist_ok=True)
    try:
        kagglehub.dataset_download(handle, output_dir=str(aside))
        shutil.rmtree(aside / _MARKER, ignore_errors=True)
        if folder.exists():
            folder.rmdir()
        aside.rename(folder)
    except (CredentialError, UnauthenticatedError) as error:
        raise _refused(about, str(error)) from error
    except (BackendError, DataCorruptionError) as error:
        raise _failed(about, f"a download that broke off ({error})") from error
    except OSError as error:  # those of requests are among them
        raise _explained(about, error) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _explained(about: About, error: OSError) -> DataError:
    """An answer of Kaggle, a full disk, or no connection at all."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status in _REFUSED:
        return _refused(about, f"status {status}")
    if status is not None:
        return _failed(about, f"status {status}")
    if error.errno is not None:
        return _failed(about, error.strerror or str(error))
    return _failed(about, "no connection to kaggle.com")


def _refused(about: About, found: str) -> DataError:
    return DataError(
        expected="leave to download from Kaggle",
        found=found,
        remedy="Make a token on https://www.kaggle.com/settings and set KAGGLE_API_TOKEN (or "
        "KAGGLE_USERNAME and KAGGLE_KEY, or ~/.kaggle/kaggle.json); accept the data set's terms "
        f"on {about.address} if it asks for that.",
        source=about.title,
    )


def _failed(about: About, found: str) -> DataError:
    return DataError(
        expected="a download from Kaggle",
        found=found,
        remedy=f"Try again, or download it with a browser from {about.address} and unpack it.",
        source=about.title,
    )
