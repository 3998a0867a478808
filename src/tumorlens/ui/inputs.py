"""Uploads -> inputs: each picture, volume or series once, to be read when its turn comes.

What comes as one file is read from memory. Members of a zip and the files of a DICOM series have
to lie on disk while they are read: in a private folder that is removed at once.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tumorlens.errors import ScanEmptyError, ScanError
from tumorlens.reading import Limits, Source, find_sources, read_data, read_source
from tumorlens.reading.archive import Unpacked, is_archive, plain_name, unpacked
from tumorlens.reading.formats import HEAD_BYTES, reader_name
from tumorlens.reporting.wording import printable
from tumorlens.scan import Scan, Volume


@dataclass(frozen=True, slots=True, eq=False)
class Upload:
    """One uploaded file.

    Attributes:
        key: Tells it from any other upload.
        name: As the visitor calls it.
        data: The whole file.
    """

    key: str
    name: str
    data: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Input:
    """One thing to read.

    Attributes:
        key: Tells it from any other input.
        name: For lists and messages.
        uploads: The file or files it is in.
        member: Of a zip, which of its scans it is; else None.
        error: Why there is nothing to read, where a zip cannot be opened; else None.
    """

    key: str
    name: str
    uploads: tuple[Upload, ...]
    member: int | None = None
    error: ScanError | None = None


def find_inputs(uploads: Sequence[Upload], *, limits: Limits) -> tuple[Input, ...]:
    """List what there is to read; no pixel is decoded.

    DICOM files of one series become one input, whatever their order; the scans and series of a
    zip become one input each.
    """
    dicom = [one for one in uploads if _format(one) == "dicom"]
    found: list[Input] = []
    for upload in uploads:
        if upload in dicom:
            if upload is dicom[0]:
                found += _series(dicom)
        elif is_archive(upload.data):
            found += _members(upload, limits)
        else:
            found.append(Input(upload.key, upload.name, (upload,)))
    return tuple(_named_apart(found))


def read_input(one: Input, *, limits: Limits) -> Scan | Volume:
    """Read an input.

    Raises:
        ScanError: As `tumorlens.read_scan`.
    """
    if one.error is not None:
        raise one.error
    if one.member is not None:
        with unpacked(one.uploads[0].data, source=one.name, limits=limits) as zipped:
            files = find_sources(zipped.folder).sources[one.member].files
            return read_source(Source(one.name, files), limits=limits)
    if len(one.uploads) == 1:
        return read_data(one.uploads[0].data, source=one.name, limits=limits)
    with _laid_out(one.uploads) as folder:
        return read_source(Source(one.name, tuple(folder.names)), limits=limits)


def _format(upload: Upload) -> str | None:
    return reader_name(upload.data[:HEAD_BYTES])


def _series(uploads: Sequence[Upload]) -> Iterator[Input]:
    """One input a series; files that belong to no series are inputs of their own."""
    if len(uploads) == 1:
        yield Input(uploads[0].key, uploads[0].name, tuple(uploads))
        return
    with _laid_out(uploads) as folder:
        found = find_sources(folder.folder)
        places = list(folder.names)
        for source in found.sources:
            files = [uploads[places.index(path)] for path in source.files]
            if files:
                key = "+".join(one.key for one in files)
                yield Input(key, _series_name(files), tuple(files))
        for path in found.passed_over:
            upload = uploads[places.index(path)]
            yield Input(upload.key, upload.name, (upload,))


def _series_name(files: Sequence[Upload]) -> str:
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    return f"{files[0].name}{more}"


def _members(upload: Upload, limits: Limits) -> Iterator[Input]:
    """One input for each scan or series in a zip."""
    try:
        with unpacked(upload.data, source=upload.name, limits=limits) as zipped:
            sources = find_sources(zipped.folder).sources
            names = [_member_name(upload, source, zipped) for source in sources]
            if not sources[0].files:
                raise _nothing_in(upload)
    except ScanError as error:
        yield Input(upload.key, upload.name, (upload,), error=error)
        return
    if len(names) == 1:
        names = [upload.name]
    for number, name in enumerate(names):
        yield Input(f"{upload.key}/{number}", name, (upload,), member=number)


def _member_name(upload: Upload, source: Source, zipped: Unpacked) -> str:
    if not source.files:
        return upload.name
    inside = PurePosixPath(zipped.names[source.files[0]])
    place = inside if len(source.files) == 1 else inside.parent
    return f"{upload.name}: {printable(str(place))}"


def _named_apart(inputs: Sequence[Input]) -> Iterator[Input]:
    """Inputs of the same name get a number."""
    seen: dict[str, int] = {}
    for one in inputs:
        seen[one.name] = number = seen.get(one.name, 0) + 1
        name = one.name if number == 1 else f"{one.name} ({number})"
        yield Input(one.key, name, one.uploads, one.member, one.error)


@contextmanager
def _laid_out(uploads: Sequence[Upload]) -> Iterator[Unpacked]:
    """Uploads as files in a private folder, for a moment."""
    with tempfile.TemporaryDirectory(prefix="tumorlens-") as folder:
        place = Unpacked(Path(folder))
        for number, upload in enumerate(uploads):
            path = place.folder / plain_name(number, upload.name)
            path.write_bytes(upload.data)
            place.names[path] = upload.name
        yield place


def _nothing_in(upload: Upload) -> ScanEmptyError:
    return ScanEmptyError(
        expected="a zip with scans in it",
        found="none",
        remedy="Pack pictures, NIfTI files or the files of a DICOM series.",
        source=upload.name,
    )
