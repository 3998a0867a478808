"""The page of outlined heads: volumes, three planes, and surfaces that can be turned."""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from PIL import Image

from tumorlens.errors import ScanError
from tumorlens.notice import NOTICE
from tumorlens.reading.own_files import MARK
from tumorlens.reporting.cases.surface import region_surface
from tumorlens.reporting.cases.upright import Upright
from tumorlens.reporting.figure import jpeg_bytes
from tumorlens.reporting.wording import printable, skull_words
from tumorlens.volume_outlining import CaseOutline, VolumeCard
from tumorlens.volume_outlining.regions import REGIONS, to_regions

SURFACES = 8
"""So many heads of a page get surfaces: browsers draw with about 16 WebGL contexts of a page."""

_BRAIN = "brain"
_TEMPLATES_FOLDER = Path(__file__).parents[1] / "templates"
_LONGEST = 1200  # pixels of the three planes together


@dataclass(frozen=True, slots=True)
class Entry:
    """One input's part of the page.

    Attributes:
        source: The input.
        volumes: (name, short name, ml or ``unknown``) of each region.
        planes: Data URI of the picture.
        surfaces: JSON of the packed surfaces; empty without any.
        notes: What the reader should know.
        how: What was done to the head beyond the usual; empty where nothing was.
        error: Why it was refused; None where it was answered.
    """

    source: str
    volumes: tuple[tuple[str, str, str], ...] = ()
    planes: str = ""
    surfaces: str = ""
    notes: tuple[str, ...] = ()
    how: str = ""
    error: dict[str, str] | None = None


def make_entry(
    outline: CaseOutline,
    head: Upright,
    planes: Image.Image,
    *,
    with_surfaces: bool,
    skull_strip: str | None = None,
) -> Entry:
    """One answered head's part of the page."""
    return Entry(
        source=printable(outline.head.source),
        volumes=tuple(
            (REGIONS[name], name, "unknown" if ml is None else f"{ml:.1f}")
            for name, ml in outline.volumes_ml.items()
        ),
        planes=_data_uri(planes),
        surfaces=json.dumps(_surfaces(head, tuple(outline.volumes_ml))) if with_surfaces else "",
        notes=outline.notes,
        how=skull_words(skull_strip),
    )


def refused_entry(error: ScanError) -> Entry:
    """The part of an input that was refused."""
    told = {name: printable(text) for name, text in error.to_json().items()}
    return Entry(printable(error.source), error=told)


def render_cases(card: VolumeCard, entries: Sequence[Entry]) -> str:
    """The whole page; it needs no other file and loads nothing."""
    script = (_TEMPLATES_FOLDER / "surface.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return _TEMPLATES.get_template("cases.html.j2").render(
        mark=Markup(MARK),
        notice=NOTICE,
        card=card,
        regions=[REGIONS[name] for name in card.regions],
        scores={name: card.scores[name] for name in card.regions if name in card.scores},
        entries=entries,
        refused=sum(entry.error is not None for entry in entries),
        script=Markup(script),
        script_hash=digest,
    )


def _surfaces(head: Upright, regions: Sequence[str]) -> list[dict[str, Any]]:
    """The brain and each region, from the innermost outwards: what is drawn last hides least."""
    brain = region_surface(head.voxels != 0, head.spacing_mm, cells=30, finest_mm=4.0)
    found = [
        (name, region_surface(region, head.spacing_mm, cells=32, finest_mm=1.5))
        for name, region in zip(regions, to_regions(head.labels, regions), strict=True)
    ]
    inwards = sorted(found, key=lambda one: list(REGIONS).index(one[0]), reverse=True)
    return [
        {"name": name, **surface.pack()} for name, surface in [*inwards, (_BRAIN, brain)] if surface
    ]


def _data_uri(picture: Image.Image) -> str:
    pixels = np.asarray(picture.convert("RGB"), np.uint8)
    data = base64.b64encode(jpeg_bytes(pixels, longest_side=_LONGEST)).decode()
    return f"data:image/jpeg;base64,{data}"


_TEMPLATES = Environment(
    loader=FileSystemLoader(_TEMPLATES_FOLDER),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
