"""The page for people, and its files."""

from pathlib import Path

from fastapi import APIRouter, Response

from tumorlens.notice import NOTICE
from tumorlens.serving.access import Served

router = APIRouter(include_in_schema=False)

_FOLDER = Path(__file__).parents[1] / "page"
_TYPES = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}
_FILES = {name: (_FOLDER / name).read_bytes() for name in _TYPES}
_PAGE = (_FOLDER / "index.html").read_text(encoding="utf-8").replace("{{ notice }}", NOTICE)


@router.get("/")
async def page(service: Served) -> Response:
    """The page; it asks for a key where the service wants one."""
    closed = "closed" if service.settings.api_key else "open"
    text = _PAGE.replace("{{ access }}", closed)
    text = text.replace("{{ max_bytes }}", str(service.settings.max_body_bytes))
    return Response(text, media_type="text/html")


@router.get("/page/{name}")
async def page_file(name: str) -> Response:
    """A file of the page."""
    if name not in _FILES:
        return Response(status_code=404)
    return Response(_FILES[name], media_type=_TYPES[name])
