import re

from tumorlens.ui.notices import plain


def test_markdown_makes_nothing_of_names() -> None:
    text = "*a*_b_[c](d) <b> $x$ :smile: #1 ~~z~~ `q` ![i](j)"
    made = plain(text)
    assert re.sub(r"\\(.)", r"\1", made) == text
    assert not re.search(r"(?<!\\)[*_\[\]<>$:#~`!]", made)


def test_what_is_invisible_is_spelled() -> None:
    assert "\x1b" not in plain("a\x1b[31m")
