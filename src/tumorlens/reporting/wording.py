"""Names and numbers as people read them."""


def printable(text: str) -> str:
    r"""Text without anything invisible, so that no file name can disturb a terminal or a page.

    Control characters, line breaks, changes of the writing direction and bytes that are no
    text are spelled as escapes, such as ``\x1b`` and ``\udcfc``.
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def spoken(label: str) -> str:
    """A class's name in words: ``no_tumor`` as ``no tumor``."""
    return printable(label.replace("_", " "))


def percent(probability: float) -> str:
    """A probability as ``93.1 %``; nothing short of certain is rounded to 0 or 100."""
    if 0 < probability < 0.0005:
        return "<0.1 %"
    if 0.9995 <= probability < 1:
        return ">99.9 %"
    return f"{probability * 100:.1f} %"
