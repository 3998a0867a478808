"""Decoding in a process apart, for decoders that can bring down the process they run in.

GDCM alone decodes JPEG Lossless and JPEG-LS here, and some damaged files of these make it abort or
crash, which no ``except`` catches. So one child process is started when the first such file comes
and kept for the next ones; when it dies, its file is refused and the next file gets a new child.
"""

import atexit
import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from io import BytesIO
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset

_TIMEOUT_S = 120.0
_LOCK = threading.Lock()
_PIXEL_MODULE = (
    "SamplesPerPixel",
    "PhotometricInterpretation",
    "PlanarConfiguration",
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelData",
)


class _Child:
    """The one child of this process, started at need."""

    process: subprocess.Popen[bytes] | None = None
    owner = 0


def decode_apart(dataset: Dataset) -> tuple[npt.NDArray[Any], dict[str, Any]]:
    """Decode the pixels of a data set in the child process.

    Only the elements that describe the pixels are handed over, none of the patient's.

    Args:
        dataset: A parsed image with a transfer syntax.

    Returns:
        The stored values as pydicom's decoders give them, and their description
        (``photometric_interpretation``, ``samples_per_pixel``).

    Raises:
        ValueError: The child refused the pixels, died of them, or took too long.
    """
    request = _request(dataset)
    with _LOCK:
        process = _started()
        assert process.stdin is not None
        assert process.stdout is not None
        guard = threading.Timer(_TIMEOUT_S, process.kill)
        guard.start()
        try:
            send(process.stdin, request)
            head, body = receive(process.stdout), receive(process.stdout)
        except (OSError, EOFError) as error:
            _stop(process)
            raise ValueError("the decoder died of these pixels") from error
        finally:
            guard.cancel()
    meta = json.loads(head)
    if "shape" not in meta:
        raise ValueError("the decoder refused these pixels")
    return np.frombuffer(body, np.dtype(meta["dtype"])).reshape(meta["shape"]), meta


def send(pipe: IO[bytes], message: bytes) -> None:
    """Write a message after its length (8 bytes, little-endian)."""
    pipe.write(len(message).to_bytes(8, "little"))
    pipe.write(message)
    pipe.flush()


def receive(pipe: IO[bytes]) -> bytes:
    """Read what `send` wrote.

    Raises:
        EOFError: The other side is gone.
    """
    length = pipe.read(8)
    message = pipe.read(int.from_bytes(length, "little")) if len(length) == 8 else b""
    if len(length) < 8 or len(message) < int.from_bytes(length, "little"):
        raise EOFError
    return message


def _request(dataset: Dataset) -> bytes:
    small = Dataset()
    small.file_meta = FileMetaDataset()
    small.file_meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    for keyword in _PIXEL_MODULE:
        if keyword in dataset:
            small[keyword] = dataset[keyword]
    file = BytesIO()
    dcmwrite(file, small, enforce_file_format=False)
    return file.getvalue()


def _started() -> subprocess.Popen[bytes]:
    """The child of this very process: after a fork, the parent's must not be shared."""
    if _Child.owner != os.getpid():
        _Child.owner, _Child.process = os.getpid(), None
        atexit.register(_stop_child)
    if _Child.process is not None and _Child.process.poll() is not None:
        _stop(_Child.process)
        _Child.process = None
    if _Child.process is None:
        # -P: nothing is imported from the current folder, which may be that of the scans.
        _Child.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "tumorlens.reading.dicom.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    return _Child.process


def _stop_child() -> None:
    if _Child.process is not None and _Child.owner == os.getpid():
        _stop(_Child.process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
    process.wait()
