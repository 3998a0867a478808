from pathlib import Path

from tumorlens.notice import NOTICE

ROOT = Path(__file__).parents[1]


def test_the_notice_says_that_this_is_no_medical_device() -> None:
    assert "not a medical device" in NOTICE
    assert "not a medical device" in (ROOT / "README.md").read_text()
