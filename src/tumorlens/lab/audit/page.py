"""The audit as one HTML page that needs no other file and runs no script."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import tumorlens.reporting as report
from tumorlens.errors import TumorlensError
from tumorlens.lab.audit.inspection import FAULTS, Inspected
from tumorlens.lab.audit.result import RELATIONS, Audit
from tumorlens.lab.audit.twins import Twins
from tumorlens.lab.datasets import read_pixels
from tumorlens.notice import NOTICE
from tumorlens.reading.own_files import MARK
from tumorlens.reporting.figure import jpeg_bytes
from tumorlens.reporting.overlay import gray_picture
from tumorlens.reporting.wording import printable, spoken

SHOWN_PAIRS = 24
"""At most so many pairs of each relation; and as many of those that were only just tied."""

SHOWN_FILES = 12
"""At most so many pictures of each fault."""

_SIDE = 224  # pixels


@dataclass(frozen=True, slots=True)
class Shown:
    """One picture on the page; ``picture`` is a data URI, empty where it cannot be read."""

    picture: str
    path: str
    label: str
    set: str
    patient: str


@dataclass(frozen=True, slots=True)
class ShownPair:
    """Two pictures side by side, and how they agree in words."""

    first: Shown
    second: Shown
    agreement: str


@dataclass(frozen=True, slots=True)
class Section:
    """Pairs of one kind: the title, what it means, how many there are, and some of them."""

    title: str
    meaning: str
    count: int
    pairs: list[ShownPair]


def render_page(audit: Audit) -> Iterator[str]:
    """The whole page, piece by piece.

    Args:
        audit: What was found; the pictures that are shown are read anew.
    """
    return _TEMPLATES.get_template("audit.html.j2").generate(
        mark=Markup(MARK),
        notice=NOTICE,
        record=audit.to_json(),
        carried=audit.carried(),
        labels=sorted({label for counts in audit.balance().values() for label in counts}),
        sections=_sections(audit),
        faults=[
            (fault, meaning, audit.faulty(fault)[:SHOWN_FILES], len(audit.faulty(fault)))
            for fault, meaning in FAULTS.items()
        ],
        passed_over=[printable(path.as_posix()) for path in audit.passed_over[:SHOWN_FILES]],
        show=_show,
        spoken=spoken,
    )


def _sections(audit: Audit) -> list[Section]:
    """The pairs of each relation, the worst relation first; then those only just tied."""
    found: dict[str, list[Twins]] = {name: [] for name in RELATIONS}
    for pair in audit.twins:
        found[audit.relation(pair)].append(pair)
    sections = [
        Section(name.capitalize(), meaning, len(found[name]), _pairs(audit, found[name]))
        for name, meaning in RELATIONS.items()
    ]
    unsure = sorted(audit.twins, key=lambda pair: pair.agreement.likeness)
    unsure = [pair for pair in unsure if not pair.identical][:SHOWN_PAIRS]
    meaning = "those whose details agree least: look here to judge how far the ties can be trusted"
    return [*sections, Section("Least sure ties", meaning, len(unsure), _pairs(audit, unsure))]


def _pairs(audit: Audit, pairs: Sequence[Twins]) -> list[ShownPair]:
    """Some of them, no picture twice as long as there are others."""
    fresh: list[Twins] = []
    again: list[Twins] = []
    seen: set[int] = set()
    for pair in pairs:
        (again if seen & {pair.first, pair.second} else fresh).append(pair)
        seen |= {pair.first, pair.second}
    return [
        ShownPair(_show(audit.files[p.first]), _show(audit.files[p.second]), _in_words(p))
        for p in (fresh + again)[:SHOWN_PAIRS]
    ]


def _in_words(pair: Twins) -> str:
    if pair.identical:
        return "identical files"
    agreement = pair.agreement
    words = [f"details agree to {agreement.likeness:.2f}"]
    if agreement.mirrored and abs(agreement.turned) > 170:
        words.append("mirrored top to bottom")
    else:
        words += ["mirrored"] if agreement.mirrored else []
        words += [f"turned by {agreement.turned}°"] if abs(agreement.turned) > 2 else []
    words += [f"cut to {agreement.overlap:.0%}"] if agreement.overlap < 0.95 else []
    return ", ".join(words)


def _show(one: Inspected) -> Shown:
    entry = one.entry
    return Shown(
        _data_uri(one),
        printable(entry.path.as_posix()),
        spoken(entry.label) if entry.label else "no label",
        printable(entry.set),
        printable(entry.patient or ""),
    )


def _data_uri(one: Inspected) -> str:
    if one.shape is None:
        return ""
    try:
        picture = gray_picture(read_pixels(one.entry.example))
    except (TumorlensError, OSError):
        return ""
    data = base64.b64encode(jpeg_bytes(np.asarray(picture), longest_side=_SIDE)).decode()
    return f"data:image/jpeg;base64,{data}"


_TEMPLATES = Environment(
    loader=FileSystemLoader(
        [Path(__file__).parent / "templates", Path(report.__file__).parent / "templates"]
    ),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
