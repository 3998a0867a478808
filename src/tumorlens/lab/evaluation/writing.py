"""Files that are there whole or not at all."""

from pathlib import Path


def write_aside(path: Path, content: bytes) -> None:
    """Write a file beside its place first, then rename it, so that a kill leaves no half."""
    aside = path.with_name(f"{path.name}.partial")
    aside.write_bytes(content)
    aside.replace(path)
