"""Request -> uploads: a form with files, or a file as the whole body. All of it in memory."""

from collections.abc import Iterator

from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from tumorlens.serving.errors import BadRequestError, WrongTypeError
from tumorlens.serving.opening import Upload
from tumorlens.serving.parameters import check_field

RAW_TYPES = (
    "application/octet-stream",
    "application/dicom",
    "application/zip",
    "application/x-zip-compressed",
    "application/gzip",
    "application/x-gzip",
    "application/nifti",
    "application/x-nifti",
    "application/x-image",
    "image/*",
)
"""Content types of a body that is the scan itself; its bytes decide what it is."""

_MAX_NAME = 255
_MAX_FIELDS = 16


class _InMemoryParser(MultiPartParser):
    """Starlette's parser, but no part of an upload is ever written to the disk."""

    spool_max_size = 2**62
    is_whole = False

    def on_end(self) -> None:
        """The last boundary has come: nothing was cut off on the way."""
        self.is_whole = True

    def close(self) -> None:
        """Let go of all files, also of one that was never finished."""
        for file in self._files_to_close_on_error:
            file.close()


async def receive_upload(request: Request) -> Upload:
    """The one scan of a request.

    Raises:
        WrongTypeError: The content type is neither a form nor one of `RAW_TYPES`.
        BadRequestError: A form with no file or several, or a damaged one.
        BodyTooLargeError: More bytes than allowed.
    """
    if _is_raw(content_type(request)):
        return Upload("upload", await request.body())
    uploads = await receive_uploads(request, max_files=1)
    return uploads[0]


async def receive_uploads(request: Request, *, max_files: int) -> list[Upload]:
    """All files of a form, in order, whatever their fields are called.

    Raises:
        RequestError: As `receive_upload`.
    """
    if content_type(request) != "multipart/form-data":
        raise wrong_type(content_type(request))
    parser = _InMemoryParser(
        request.headers, request.stream(), max_files=max_files, max_fields=_MAX_FIELDS
    )
    try:
        form = await parser.parse()
        for name, part in form.multi_items():
            if isinstance(part, str):
                check_field(name)
        uploads = [Upload(_name(file), await file.read()) for file in _files(form)]
    except MultiPartException as error:
        if max_files > 1 and error.message.startswith("Too many files"):
            raise _too_many(max_files) from error
        raise _bad_form(f"one that cannot be used: {error.message}") from error
    finally:
        parser.close()
    if not parser.is_whole:
        raise _bad_form("one that ends too early")
    if not uploads:
        raise _bad_form("one without any file")
    return uploads


def content_type(request: Request) -> str:
    """The request's content type without its parameters, in lower case; empty if absent."""
    kind, _ = parse_options_header(request.headers.get("content-type", ""))
    return kind.decode("latin-1").lower()


def wrong_type(found: str) -> WrongTypeError:
    """The error for a content type that is not taken."""
    return WrongTypeError(
        expected=f"multipart/form-data with a file, or one of {', '.join(RAW_TYPES)}",
        found=found[:100] if found else "no content type",
        remedy="Send the file as a form: curl -F file=@scan.jpg URL",
    )


def _is_raw(kind: str) -> bool:
    return kind in RAW_TYPES or (kind.startswith("image/") and len(kind) > len("image/"))


def _files(form: FormData) -> Iterator[UploadFile]:
    return (part for _, part in form.multi_items() if isinstance(part, UploadFile))


def _name(file: UploadFile) -> str:
    """The name that the client gives, without folders."""
    name = (file.filename or "upload").replace("\\", "/").rpartition("/")[2]
    return name[-_MAX_NAME:] or "upload"


def _too_many(most: int) -> BadRequestError:
    return BadRequestError(
        expected=f"at most {most} files at a time",
        found="more of them",
        remedy="Send some of them now and the others later, or raise TUMORLENS_MAX_FILES.",
    )


def _bad_form(found: str) -> BadRequestError:
    return BadRequestError(
        expected="a form with a file",
        found=found,
        remedy="Send one scan as the field file to /v1/predict, several as files to "
        "/v1/predict/batch, a DICOM series as one zip: curl -F file=@scan.jpg URL",
    )
