"""Applications of the tiny model, in this process and in processes of their own."""

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.testclient import TestClient

from tests.conftest import CHANNELS, head, write_tiny_model
from tests.made_gates import made_numbers
from tests.reading.made import nifti_bytes, picture_bytes
from tumorlens.card import read_card, write_card
from tumorlens.conformal import Conformal
from tumorlens.gate import CHECKS, GateCard, write_gate
from tumorlens.labels import CLASSES
from tumorlens.model import Model
from tumorlens.serving import Settings, create_app

MakeClient = Callable[..., TestClient]


def png(blob: float = 120.0) -> bytes:
    """A made-up head as a PNG file."""
    return picture_bytes(head(96, 80, blob=blob).astype("uint8"))


def packed(files: dict[str, bytes]) -> bytes:
    """A zip of files by name."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return file.getvalue()


def volume_nifti(volume: Any) -> bytes:
    """The made-up volume of 12 slices as a NIfTI file."""
    return nifti_bytes(volume.voxels.transpose(2, 1, 0)[:, ::-1].copy())


@contextmanager
def serving(model: Model, **settings: Any) -> Iterator[TestClient]:
    with TestClient(create_app(model, Settings(**settings))) as client:
        yield client


@pytest.fixture(scope="session")
def client(model: Model) -> Iterator[TestClient]:
    """An application with the default settings."""
    with serving(model) as made:
        yield made


@pytest.fixture
def make_client(model: Model) -> Iterator[MakeClient]:
    """Applications with settings of their own."""
    contexts = []

    def make(**settings: Any) -> TestClient:
        context = serving(model, **settings)
        contexts.append(context)
        return context.__enter__()

    yield make
    for context in contexts:
        context.__exit__(None, None, None)


@dataclass
class Server:
    """A ``tumorlens serve`` process."""

    process: subprocess.Popen[str]
    url: str
    log: list[str]

    def stop(self) -> int:
        """SIGTERM and wait; returns the exit status."""
        self.process.terminate()
        assert self.process.stderr is not None
        self.log += self.process.stderr.readlines()
        return self.process.wait(timeout=60)


def server(model_folder: Path, **environment: str) -> AbstractContextManager[Server]:
    """Start a server on a free port of the loopback interface; stop it at the end."""
    words = ["serve", "--host", "127.0.0.1", "--port", "0", "--model", str(model_folder)]
    return started(words, **environment)


@contextmanager
def started(words: Sequence[str], **environment: str) -> Iterator[Server]:
    """Start ``tumorlens WORDS``, which serves; stop it at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tumorlens.cli", *words],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )
    log: list[str] = []
    try:
        assert process.stderr is not None
        for line in process.stderr:
            log.append(line)
            if found := re.search(r"running on (http://\S+)", line):
                yield Server(process, found[1], log)
                break
        else:
            raise AssertionError("".join(log))
    finally:
        if process.poll() is None:
            process.terminate()
            process.communicate(timeout=60)
        elif process.stderr is not None:
            process.stderr.close()


@pytest.fixture(scope="session")
def url(model_folder: Path) -> Iterator[str]:
    """The address of a running server."""
    with server(model_folder) as running:
        yield running.url


@pytest.fixture
def http(url: str) -> Iterator[httpx2.Client]:
    """A client of the running server."""
    with httpx2.Client(base_url=url, timeout=60) as made:
        yield made


def write_wary_model(folder: Path, *, refuses: bool) -> Path:
    """The tiny model with a gate that lets all or nothing in, and sets of all classes."""
    write_tiny_model(folder)
    limits = dict.fromkeys(CHECKS, 1e9) | {"likeness": -1.0 if refuses else 1.0}
    gate = GateCard(write_gate(folder, made_numbers(CHANNELS)), limits)
    card = replace(
        read_card(folder),
        gate=gate,
        conformal=Conformal(0.9, dict.fromkeys(CLASSES, 0.0), dict.fromkeys(CLASSES, 1.0)),
    )
    write_card(folder, card)
    return folder
