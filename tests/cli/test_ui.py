import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tumorlens.cli import app, launching
from tumorlens.errors import MissingExtraError
from tumorlens.notice import NOTICE


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_on_its_own_machine_a_visitor_may_open_every_folder(host: str) -> None:
    made = launching.make_environment(host=host, model=None, folders=None)
    assert made["TUMORLENS_UI_FOLDERS"] == Path.cwd().anchor
    assert int(made["TUMORLENS_UI_MAX_VOXELS"]) == 512**3


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "example.org"])
def test_on_other_addresses_only_what_was_named(host: str, tmp_path: Path) -> None:
    assert launching.make_environment(host=host, model=None, folders=None) == {}
    made = launching.make_environment(host=host, model=None, folders=tmp_path)
    assert made == {"TUMORLENS_UI_FOLDERS": str(tmp_path)}


def test_the_model_is_checked_before_the_app_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launching, "run_until_ended", lambda *_: pytest.fail("was started"))
    done = CliRunner().invoke(app, ["ui", "--model", str(tmp_path)])
    assert done.exit_code == 2
    assert "card.json" in done.stderr


def test_without_streamlit_the_way_to_install_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launching, "find_spec", lambda _: None)
    with pytest.raises(MissingExtraError) as caught:
        launching.check_streamlit()
    assert "tumorlens[ui]" in caught.value.remedy


def test_nothing_in_the_current_folder_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("streamlit", reason="the extra [ui] is not installed")
    (tmp_path / "streamlit.py").write_text("open('was-run', 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    python, *words = launching.make_command("127.0.0.1", 0)
    asked = [python, *words[: words.index("streamlit") + 1], "--version"]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    assert "Streamlit, version" in done.stdout
    assert not (tmp_path / "was-run").exists()


def test_streamlit_gets_host_port_and_model(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("streamlit", reason="the extra [ui] is not installed")
    started: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(launching, "run_until_ended", lambda *what: started.append(what) or 0)
    port = str(free_port())
    line = ["ui", "--host", "0.0.0.0", "--port", port, "--model", str(model_folder)]
    done = CliRunner().invoke(app, line)
    ((command, environment),) = started
    assert done.exit_code == 0
    assert NOTICE in done.stderr
    assert command[:5] == [sys.executable, "-P", "-m", "streamlit", "run"]
    assert {
        "--server.address=0.0.0.0",
        f"--server.port={port}",
        "--server.headless=true",
        "--browser.gatherUsageStats=false",
    } <= set(command)
    assert environment == {"TUMORLENS_UI_MODEL": str(model_folder)}


@pytest.mark.parametrize(("signal_number", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_the_app_answers_and_ends_when_told(
    model_folder: Path, signal_number: int, status: int
) -> None:
    pytest.importorskip("streamlit", reason="the extra [ui] is not installed")
    port = free_port()
    command = [sys.executable, "-m", "tumorlens.cli", "ui", "--port", str(port)]
    started = subprocess.Popen(
        [*command, "--model", str(model_folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert wait_for(f"http://127.0.0.1:{port}/_stcore/health", started) == b"ok"
        # A terminal's Ctrl-C reaches the child too, a SIGTERM only the process it is sent to.
        (os.killpg if signal_number == signal.SIGINT else os.kill)(started.pid, signal_number)
        assert started.wait(30) == status
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5)
    finally:
        if started.poll() is None:
            os.killpg(started.pid, signal.SIGKILL)
        _, said = started.communicate()
    assert b"Traceback" not in said


def test_a_port_that_is_taken_is_told(model_folder: Path) -> None:
    pytest.importorskip("streamlit", reason="the extra [ui] is not installed")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "tumorlens.cli", "ui", "--port", str(port)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 2
    assert f"127.0.0.1:{port}" in done.stderr
    assert "Ctrl-C ends it" not in done.stderr  # as if it had begun
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("host", ["192.0.2.7", "no.such.host.invalid", "a" * 70])
def test_an_address_of_another_machine_is_told_without_a_stack_trace(
    model_folder: Path, host: str
) -> None:
    pytest.importorskip("streamlit", reason="the extra [ui] is not installed")
    line = [sys.executable, "-m", "tumorlens.cli", "ui", "--host", host]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "an address of this machine" in done.stderr
    assert "Traceback" not in done.stderr


def test_folders_that_are_not_there_are_told(tmp_path: Path) -> None:
    pytest.importorskip("streamlit", reason="the extra [ui] is not installed")
    done = CliRunner().invoke(app, ["ui", "--folders", str(tmp_path / "absent")])
    assert done.exit_code == 2
    assert "--folders" in done.stderr


def wait_for(url: str, started: "subprocess.Popen[bytes]") -> bytes:
    """The body of a page that is not there yet."""
    for _ in range(240):
        assert started.poll() is None, started.communicate()
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bytes(answer.read())
        except OSError:
            time.sleep(0.25)
    pytest.fail(f"nothing answers at {url}")


def test_the_app_and_its_configuration_are_packaged(tmp_path: Path) -> None:
    if shutil.which("git") is None:
        pytest.skip("no git: what is packaged was not looked at")
    root = Path(__file__).parents[2]
    hidden = "src/tumorlens/ui/.streamlit/config.toml"
    ignored = subprocess.run(
        ["git", "check-ignore", hidden, "streamlit_app.py"], cwd=root, check=False
    )
    assert (root / hidden).is_file()
    assert ignored.returncode == 1  # git would take them, and so does the wheel
