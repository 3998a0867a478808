"""What can be wrong with a request, and the HTTP status of every error of tumorlens.

::

    TumorlensError
    └── RequestError           a request cannot be answered
        ├── BadRequestError        400  no file in it, several, malformed
        ├── UnauthorizedError      401  the API key is absent or wrong
        ├── NotFoundError          404  no such path, model or slice
        ├── MethodError            405  the path takes another method
        ├── SlowBodyError          408  the body did not arrive in time
        ├── BodyTooLargeError      413  more bytes than allowed; not read
        ├── WrongTypeError         415  a content type that is not taken
        ├── WrongParameterError    422  a parameter is unknown or out of range
        ├── BugError               500  our mistake
        └── BusyError              503  the queue is full, or the model not loaded yet

Scans that cannot be read keep the library's own message.
"""

from typing import Any, ClassVar

from tumorlens.errors import (
    ConfigError,
    ScanError,
    ScanFormatError,
    ScanTooLargeError,
    TumorlensError,
)

RETRY_AFTER_S = 2
"""How long a client should wait before it asks a busy service again."""


class RequestError(TumorlensError):
    """A request cannot be answered."""

    code = "request_error"
    status: ClassVar[int] = 400


class BadRequestError(RequestError):
    """There is no file in it, too many, or it is malformed."""

    code = "bad_request"


class UnauthorizedError(RequestError):
    """The API key is absent or wrong."""

    code = "unauthorized"
    status = 401


class NotFoundError(RequestError):
    """There is no such path, model or slice."""

    code = "not_found"
    status = 404


class MethodError(RequestError):
    """The path takes another method."""

    code = "method_not_allowed"
    status = 405


class SlowBodyError(RequestError):
    """The body did not arrive in time."""

    code = "slow_body"
    status = 408


class BodyTooLargeError(RequestError):
    """The body has more bytes than allowed; what lies beyond was not read."""

    code = "body_too_large"
    status = 413


class WrongTypeError(RequestError):
    """The content type is none that is taken."""

    code = "wrong_type"
    status = 415


class WrongParameterError(RequestError):
    """A parameter is unknown or out of range."""

    code = "wrong_parameter"
    status = 422


class BugError(RequestError):
    """Our mistake, not the client's."""

    code = "internal"
    status = 500


class BusyError(RequestError):
    """The service is full or not ready; the same request may succeed later."""

    code = "busy"
    status = 503


_STATUSES: tuple[tuple[type[TumorlensError], int], ...] = (
    (ScanFormatError, 415),
    (ScanTooLargeError, 413),
    (ScanError, 422),
    (ConfigError, 422),
)


def status_of(error: TumorlensError) -> int:
    """The HTTP status that tells of an error."""
    if isinstance(error, RequestError):
        return error.status
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


def headers_of(error: TumorlensError) -> dict[str, str]:
    """The HTTP headers that belong to an error."""
    if isinstance(error, UnauthorizedError):
        return {"WWW-Authenticate": "Bearer"}
    return {"Retry-After": str(RETRY_AFTER_S)} if isinstance(error, BusyError) else {}


def body_of(error: TumorlensError, path: str) -> dict[str, Any]:
    """The JSON body that tells of an error.

    Args:
        error: What went wrong.
        path: Of the request: the Open Inference Protocol (``/v2``) wants one text.

    Returns:
        ``{"error": {code, expected, found, remedy}}``, or ``{"error": TEXT}``.
    """
    is_v2 = path == "/v2" or path.startswith("/v2/")
    return {"error": message_of(error) if is_v2 else error.to_json()}


def message_of(error: TumorlensError) -> str:
    """The error in one line, without its source, which may be a path on this machine."""
    return f"expected {error.expected}; found {error.found}. {error.remedy}"
