import os
import subprocess
import sys
from pathlib import Path


def test_nothing_is_written_or_reported_by_loading_a_model(
    model_folder: Path, tmp_path: Path
) -> None:
    """ONNX Runtime's telemetry leaves a session file in the temporary folder where it is on."""
    unset = {"CI", "ORT_DISABLE_TELEMETRY", "TF_BUILD", "GITHUB_ACTIONS"}
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    environment |= {"TMPDIR": str(tmp_path), "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    script = "import sys, tumorlens; tumorlens.load_model(sys.argv[1])"
    line = [sys.executable, "-c", script, str(model_folder)]
    subprocess.run(line, env=environment, check=True)
    assert not list(tmp_path.rglob("*"))
