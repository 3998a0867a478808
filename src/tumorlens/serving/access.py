"""Who may ask: a key in ``X-API-Key``, or as a bearer token, where the settings name one."""

import secrets
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from tumorlens.serving.errors import UnauthorizedError
from tumorlens.serving.service import Service

_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="TUMORLENS_API_KEY.")
_BEARER = HTTPBearer(auto_error=False, description="The same key as a bearer token.")


def service_of(request: Request) -> Service:
    """The service of the application that got the request."""
    service: Service = request.app.state.service
    return service


Served = Annotated[Service, Depends(service_of)]
"""A route's parameter: the service."""


def check_key(
    service: Served,
    header: Annotated[str | None, Security(_HEADER)],
    bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)],
) -> None:
    """Let nobody ask without the key, if there is one.

    Raises:
        UnauthorizedError: The key is absent or wrong.
    """
    wanted = service.settings.api_key
    shown = header or (bearer.credentials if bearer else "")
    if wanted and not secrets.compare_digest(shown.encode(), wanted.encode()):
        raise UnauthorizedError(
            expected="the API key of this service",
            found="another one" if shown else "none",
            remedy="Send it as X-API-Key, or as Authorization: Bearer KEY.",
        )
