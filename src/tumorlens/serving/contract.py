"""What OpenAPI says of bodies that are files, and of errors."""

from typing import Any

from tumorlens.serving.schemas import Failure
from tumorlens.serving.uploads import RAW_TYPES

_FILE = {"type": "string", "format": "binary", "contentMediaType": "application/octet-stream"}
_ERRORS = {
    400: "No file in it, several, or malformed.",
    401: "The API key is absent or wrong.",
    408: "The body did not arrive in time.",
    413: "The body or the scan in it is larger than allowed; it was not read.",
    415: "The content type is not taken, or the file is of no format that is read.",
    422: "The scan cannot be read, or a parameter is out of range.",
    500: "A mistake in the service.",
    503: "The service is full or still starting; see Retry-After.",
}

Responses = dict[int | str, dict[str, Any]]


def failures(*statuses: int) -> Responses:
    """The errors of a route, all of one shape; all that there are where none are named."""
    chosen = statuses or tuple(_ERRORS)
    return {one: {"model": Failure, "description": _ERRORS[one]} for one in chosen}


def one_file() -> dict[str, Any]:
    """The body of a route that takes one scan: a form, or the file itself."""
    form = _form("file", _FILE)
    raw = {"schema": {"type": "string", "format": "binary"}}
    return _body({"multipart/form-data": form} | dict.fromkeys(RAW_TYPES, raw))


def many_files() -> dict[str, Any]:
    """The body of a route that takes several scans."""
    return _body({"multipart/form-data": _form("files", {"type": "array", "items": _FILE})})


def json_body(model: type[Any]) -> dict[str, Any]:
    """The body of a route that takes JSON of a shape."""
    schema = model.model_json_schema()
    parts = schema.pop("$defs", {})
    return _body({"application/json": {"schema": _inlined(schema, parts)}})


def merged(*bodies: dict[str, Any]) -> dict[str, Any]:
    """The body of a route that takes several kinds."""
    contents = [body["requestBody"]["content"] for body in bodies]
    return _body({kind: schema for content in contents for kind, schema in content.items()})


def _inlined(schema: Any, parts: dict[str, Any]) -> Any:
    """A schema with every reference to one of its parts replaced by that part."""
    if isinstance(schema, list):
        return [_inlined(one, parts) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(parts[schema["$ref"].rpartition("/")[2]], parts)
    return {name: _inlined(value, parts) for name, value in schema.items()}


def _form(field: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"schema": {"type": "object", "properties": {field: schema}, "required": [field]}}


def _body(content: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": content}}
