import pytest

from tumorlens import errors as library
from tumorlens.errors import TumorlensError
from tumorlens.serving import errors
from tumorlens.serving.errors import body_of, headers_of, message_of, status_of


def _make(kind: type[TumorlensError]) -> TumorlensError:
    return kind(expected="a", found="b", remedy="C.", source="/a/path")


KINDS = [
    one
    for module in (library, errors)
    for one in vars(module).values()
    if isinstance(one, type) and issubclass(one, TumorlensError)
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_has_a_status_and_never_tells_its_source(kind: type[TumorlensError]) -> None:
    error = _make(kind)
    assert 400 <= status_of(error) < 600
    assert "/a/path" not in str(body_of(error, "/v1/predict"))
    assert "/a/path" not in message_of(error)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (library.ScanCorruptError, 422),
        (library.ScanEmptyError, 422),
        (library.ScanFormatError, 415),
        (library.ScanTooLargeError, 413),
        (library.ConfigError, 422),
        (errors.BusyError, 503),
    ],
)
def test_statuses(kind: type[TumorlensError], status: int) -> None:
    assert status_of(_make(kind)) == status


def test_headers_say_when_to_ask_again_and_how_to_show_a_key() -> None:
    assert int(headers_of(_make(errors.BusyError))["Retry-After"]) > 0
    assert headers_of(_make(errors.UnauthorizedError)) == {"WWW-Authenticate": "Bearer"}
    assert headers_of(_make(library.ScanCorruptError)) == {}


def test_the_open_inference_protocol_gets_one_text() -> None:
    error = _make(errors.NotFoundError)
    assert body_of(error, "/v2/models/x") == {"error": "expected a; found b. C."}
    assert body_of(error, "/v1/model") == {"error": error.to_json()}
