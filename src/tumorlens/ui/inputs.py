"""Uploads -> inputs: each picture, volume or series once, to be read when its turn comes.

What comes as one file is read from memory, and so is a picture or volume in a zip. A zip that is
looked through and the files of a DICOM series have to lie on disk: in a private folder that is
removed at once.
"""

import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import NamedTuple

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


class Member(NamedTuple):
    """A file in a zip.

    Attributes:
        name: As the zip calls it.
        occurrence: Which of those of this name, from 0.
    """

    name: str
    occurrence: int


@dataclass(frozen=True, slots=True, eq=False)
class Input:
    """One thing to read.

    Attributes:
        key: Tells it from any other input.
        name: For lists and messages.
        uploads: The file or files it is in.
        members: Of a zip, which of its files it is in; else None.
        error: Why there is nothing to read, where a zip cannot be opened; else None.
    """

    key: str
    name: str
    uploads: tuple[Upload, ...]
    members: tuple[Member, ...] | None = None
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
    uploads = one.uploads if one.members is None else _taken_out(one.uploads[0], one.members)
    if len(uploads) == 1:
        return read_data(uploads[0].data, source=one.name, limits=limits)
    with _laid_out(uploads) as folder:
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
            places = _places(zipped)
            members = [tuple(places[path] for path in source.files) for source in sources]
    except ScanError as error:
        yield Input(upload.key, upload.name, (upload,), error=error)
        return
    if len(names) == 1:
        names = [upload.name]
    for number, (name, files) in enumerate(zip(names, members, strict=True)):
        yield Input(f"{upload.key}/{number}", name, (upload,), members=files)


def _places(zipped: Unpacked) -> dict[Path, Member]:
    """Where each unpacked file stands in the zip, which may have several of one name."""
    seen: dict[str, int] = defaultdict(int)
    places = {}
    for path, name in zipped.names.items():
        places[path] = Member(name, seen[name])
        seen[name] += 1
    return places


def _taken_out(upload: Upload, members: Sequence[Member]) -> tuple[Upload, ...]:
    """Some files of a zip, which was unpacked within the limits when it was looked through."""
    with zipfile.ZipFile(BytesIO(upload.data)) as archive:
        entries: dict[str, list[zipfile.ZipInfo]] = defaultdict(list)
        for entry in archive.infolist():
            entries[entry.filename].append(entry)
        return tuple(
            Upload(upload.key, name, archive.read(entries[name][occurrence]))
            for name, occurrence in members
        )


def _member_name(upload: Upload, source: Source, zipped: Unpacked) -> str:
    if not source.files:
        return upload.name
    inside = PurePosixPath(zipped.names[source.files[0]])
    place = inside if len(source.files) == 1 else inside.parent
    return f"{upload.name}: {printable(str(place))}"


def _named_apart(inputs: Sequence[Input]) -> Iterator[Input]:
    """Inputs of the same name get a number."""
    numbers: dict[str, int] = defaultdict(int)
    taken = {one.name for one in inputs}
    for one in inputs:
        numbers[one.name] += 1
        name = one.name
        while name in taken and numbers[one.name] > 1:
            name = f"{one.name} ({numbers[one.name]})"
            numbers[one.name] += name in taken
        taken.add(name)
        yield replace(one, name=name)


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
