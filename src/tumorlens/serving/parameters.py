"""Parameters that are misspelt or stand in the wrong place: told, since they change the answer.

A volume that is answered whole because the client wrote ``?Slice=80``, or sent the slice as a field
of the form, looks like an answer about slice 80. What is like no parameter of ours is ignored, as
proxies and browsers add their own.
"""

from difflib import get_close_matches

from fastapi import Request

from tumorlens.serving.errors import WrongParameterError

PARAMETERS = ("slice", "target", "view")
"""All parameters of ``/v1``; which path takes which stands in OpenAPI."""


def check_query(request: Request) -> None:
    """Refuse a parameter that was meant for us, but is none of this path's.

    Raises:
        WrongParameterError: There is one.
    """
    taken = [one.alias for one in request.scope["route"].dependant.query_params]
    for name in request.query_params:
        if name not in taken and _is_meant(name):
            raise WrongParameterError(
                expected=f"of parameters: {', '.join(taken) or 'none'}",
                found=name[:100],
                remedy="Correct it, or leave it away; see /openapi.json for what the path takes.",
            )


def check_field(name: str) -> None:
    """Refuse a text field of a form that is a parameter.

    Raises:
        WrongParameterError: It is one.
    """
    if _is_meant(name):
        raise WrongParameterError(
            expected="parameters in the address, as in /v1/explain?slice=80",
            found=f"the field {name[:100]} of the form",
            remedy="Move it there.",
        )


def _is_meant(name: str) -> bool:
    return bool(get_close_matches(name[:100].lower(), PARAMETERS, n=1, cutoff=0.75))
