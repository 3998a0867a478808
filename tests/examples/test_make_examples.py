"""The scans in ``examples/`` are those that their script makes."""

from pathlib import Path

import numpy as np
import pytest

from tests.tools.scripts import ROOT, load_script
from tumorlens.reading import read_scan
from tumorlens.scan import Volume

EXAMPLES = ROOT / "examples"


def test_the_examples_are_what_the_script_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = load_script("examples/make_examples.py")
    monkeypatch.setattr(script, "HERE", tmp_path)
    script.main()
    made = sorted(path.name for path in tmp_path.iterdir())
    kept = sorted(path.name for path in EXAMPLES.iterdir() if path.suffix not in {".py", ".md"})
    assert made == [name for name in kept if name != "__pycache__"]
    for name in made:
        ours, theirs = read_scan(EXAMPLES / name), read_scan(tmp_path / name)
        if isinstance(ours, Volume):
            assert isinstance(theirs, Volume)
            np.testing.assert_array_equal(ours.voxels, theirs.voxels)
        else:
            assert not isinstance(theirs, Volume)
            # JPEG decoders and resampling differ by a gray level or two between versions.
            np.testing.assert_allclose(ours.pixels, theirs.pixels, atol=3)
