"""Prepared pictures on disk: decoded once, memory-mapped ever after.

A store is one folder for one list of examples and one preparation. Its name is a hash of the
files' contents, of how they are read and prepared, and of the code that does so: whatever
changes, the name changes, and nothing old is ever taken for new.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt

import tumorlens
from tumorlens.lab.datasets import Example
from tumorlens.preparation import Preparation

VARIABLE = "TUMORLENS_CACHE"
"""Environment variable: the folder that `STORES` lies in. Patients' pictures are kept nowhere
unasked."""

STORES = "tumorlens-pictures"
"""The folder of all stores. What else is in it is nobody's to delete."""

STORED_FROM = 500
"""Shorter lists of examples are read faster than they are looked for."""

MOST_BYTES = 12 * 2**30
"""Of all stores together; the one unused for longest goes first."""

_LIBRARIES = ("pillow", "numpy", "nibabel")  # what decodes and resizes
_CODE = ("preparation", "reading", "lab/datasets", "lab/pictures.py", "lab/picture_store.py")


@dataclass(frozen=True, slots=True, eq=False)
class Arrays:
    """What is known of N pictures of which K are kept, because there is something to see.

    Attributes:
        pixels: uint8, (K, size, size).
        masks: uint8, (K, size, size).
        thumbnails: uint8, (K, side, side).
        kept: bool, (N,).
    """

    pixels: npt.NDArray[np.uint8]
    masks: npt.NDArray[np.uint8]
    thumbnails: npt.NDArray[np.uint8]
    kept: npt.NDArray[np.bool_]


def store_folder() -> Path | None:
    """Where stores lie: below ``$TUMORLENS_CACHE``; None, and nothing is kept, where not set."""
    given = os.environ.get(VARIABLE, "").strip()
    return Path(given).expanduser() / STORES if given else None


def store_of(examples: Sequence[Example], preparation: Preparation) -> Path | None:
    """The folder of these examples' store, made or not; None where nothing is to be stored.

    Files that cannot be read are none of its business: None too, and reading them tells.
    """
    folder = store_folder()
    if folder is None or len(examples) < STORED_FROM:
        return None
    files = {one.path for one in examples} | {one.mask for one in examples if one.mask}
    try:
        digests = dict(zip(files, _digests(files), strict=True))
    except OSError:
        return None
    key = hashlib.sha256(_code_digest().encode())
    key.update(json.dumps([preparation.to_json(), [version(n) for n in _LIBRARIES]]).encode())
    for one in examples:
        mask = digests[one.mask] if one.mask else ""
        how = (one.path.suffix, one.channel, one.slice_index, one.mask_above)
        key.update(f"{digests[one.path]},{mask},{how}\n".encode())
    return folder / key.hexdigest()[:32]


def open_store(store: Path) -> Arrays | None:
    """The store's arrays, mapped and not writable; None where there is none, or a broken one."""
    try:
        arrays = [
            np.asarray(np.load(store / f"{one.name}.npy", mmap_mode="r", allow_pickle=False))
            for one in fields(Arrays)
        ]
        os.utime(store)
    except (OSError, ValueError, EOFError):
        return None
    return Arrays(*arrays)


def write_store(store: Path, arrays: Arrays) -> None:
    """Write a store, aside first; where that fails (no room, no right) nothing is left of it."""
    aside = None
    try:
        store.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        aside = Path(tempfile.mkdtemp(dir=store.parent, prefix=".making-"))
        for one in fields(Arrays):
            np.save(aside / f"{one.name}.npy", getattr(arrays, one.name))
        shutil.rmtree(store, ignore_errors=True)  # a broken one
        aside.rename(store)
        _make_room(store)
    except OSError:
        pass
    finally:
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)


def _make_room(newest: Path) -> None:
    """Delete the stores unused for longest until all together are small enough."""
    stores = [one for one in newest.parent.iterdir() if _is_store(one)]
    stores.sort(key=lambda one: (one != newest, -one.stat().st_mtime))
    total = 0
    for store in stores:
        total += sum(file.stat().st_size for file in store.iterdir())
        if total > MOST_BYTES and store != newest:
            shutil.rmtree(store, ignore_errors=True)


def _is_store(folder: Path) -> bool:
    """Whether a folder holds the arrays of a store, and nothing besides."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    return {one.name for one in folder.iterdir()} == {f"{one.name}.npy" for one in fields(Arrays)}


def _digests(files: Iterable[Path]) -> list[str]:
    def digest(path: Path) -> str:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    with ThreadPoolExecutor() as threads:
        return list(threads.map(digest, files))


def _code_digest() -> str:
    """Of every line that reads and prepares."""
    root = Path(tumorlens.__file__).parent
    digest = hashlib.sha256()
    for part in _CODE:
        place = root / part
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(file.read_bytes())
    return digest.hexdigest()
