import subprocess
import sys
from pathlib import Path

import tumorlens

LAB_ONLY = ("torch", "torchvision", "timm", "monai", "matplotlib", "sklearn", "scipy")

SCRIPT = """
import sys
from importlib import import_module

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name == "tumorlens.lab" or name.partition(".")[0] in {blocked!r}:
            raise ImportError(f"the runtime asked for {{name}}")

sys.meta_path.insert(0, Blocked())
for name in {modules!r}:
    import_module(name)
import tumorlens
for name in tumorlens.__all__:
    getattr(tumorlens, name)
from tumorlens.cli import app
app(["predict", {picture!r}, "--model", {model!r}, "--output", {output!r}], standalone_mode=False)
"""


def _runtime_modules() -> list[str]:
    root = Path(tumorlens.__file__).parent
    paths = (path.relative_to(root.parent).with_suffix("") for path in root.rglob("*.py"))
    names = {".".join(path.parts).removesuffix(".__init__") for path in paths}
    extras = ("tumorlens.bulk", "tumorlens.lab", "tumorlens.serving", "tumorlens.ui")
    away = ("tumorlens.__main__", "tumorlens.cli.__main__", *extras)
    return sorted(name for name in names if not name.startswith(away))


def test_runtime_needs_no_lab(model_folder: Path, picture: Path, tmp_path: Path) -> None:
    modules = _runtime_modules()
    assert "tumorlens.reading.nifti" in modules
    script = SCRIPT.format(
        blocked=LAB_ONLY,
        modules=modules,
        picture=str(picture),
        model=str(model_folder),
        output=str(tmp_path / "report"),
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "report" / "index.html").is_file()
