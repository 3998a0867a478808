import subprocess
import sys

import pytest

import tumorlens


@pytest.mark.parametrize("name", tumorlens.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    thing = getattr(tumorlens, name)
    assert name in dir(tumorlens)
    if callable(thing):
        assert thing.__doc__


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = tumorlens.nonsense


def test_importing_tumorlens_imports_nothing_heavy() -> None:
    heavy = {"numpy", "PIL", "onnxruntime", "jinja2", "rich", "typer", "torch"}
    code = f"import sys, tumorlens; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
