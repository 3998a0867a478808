import io
import stat
import zipfile
from pathlib import Path

import pytest

from tests.reading.made import EXAMPLES, picture, picture_bytes
from tumorlens.errors import ScanCorruptError, ScanError, ScanFormatError, ScanTooLargeError
from tumorlens.reading import archive
from tumorlens.reading.archive import is_archive, plain_name, unpacked
from tumorlens.reading.limits import Limits


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as made:
        for name, data in members.items():
            made.writestr(name, data)
    return file.getvalue()


def test_members_come_out_under_plain_names_in_natural_order() -> None:
    data = zipped({"a/10.png": b"ten", "a/2.png": b"two", "../../out.png": b"out", "/etc/x": b"x"})
    with unpacked(data, source="made.zip") as found:
        files = sorted(found.folder.iterdir())
        assert [path.name for path in files] == ["000000", "000001.png", "000002.png"]
        assert {found.names[path]: path.read_bytes() for path in files} == {
            "/etc/x": b"x",
            "a/2.png": b"two",
            "a/10.png": b"ten",
        }  # what wants to lie above the folder is passed over like any hidden file
        assert list(found.names.values())[1:] == ["a/2.png", "a/10.png"]
        assert stat.S_IMODE(found.folder.stat().st_mode) == 0o700
    assert not found.folder.exists()


def test_nothing_is_left_when_reading_fails() -> None:
    with pytest.raises(RuntimeError), unpacked(zipped({"a": b"a"}), source="") as found:
        raise RuntimeError
    assert not found.folder.exists()


def test_hidden_files_and_those_of_macos_are_left_out() -> None:
    data = zipped({"__MACOSX/._a.png": b"", ".hidden": b"", "a/.b/c.png": b"", "a.png": b"a"})
    with unpacked(data, source="") as found:
        assert list(found.names.values()) == ["a.png"]


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"PK\x03\x04 no end", ScanCorruptError),
        (zipped({"a.png": picture_bytes(picture())})[:-30], ScanCorruptError),
        (zipped({"a": b"a" * 99}, zipfile.ZIP_BZIP2), ScanFormatError),
        (zipped({"a": bytes(5000)}), ScanTooLargeError),
    ],
)
def test_what_cannot_be_unpacked_is_refused(data: bytes, error: type[ScanError]) -> None:
    assert is_archive(data)
    with pytest.raises(error), unpacked(data, source="", limits=Limits(max_bytes=4000)):
        pass


def test_a_dicom_file_that_begins_like_a_zip_is_none() -> None:
    data = EXAMPLES["dicom"]["plain"]()
    assert not is_archive(zipped({})[:4] + data[4:])


def test_a_zip_that_promises_too_much_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_write", None)
    with (
        pytest.raises(ScanTooLargeError, match="at most 4,000 bytes in a zip, unpacked"),
        unpacked(
            zipped({"a": bytes(3000), "b": bytes(3000)}), source="", limits=Limits(max_bytes=4000)
        ),
    ):
        pass


def test_a_zip_that_promises_less_than_it_holds_is_refused() -> None:
    data = bytearray(zipped({"a": bytes(5000)}))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        start = data.index(signature) + offset
        data[start : start + 4] = (100).to_bytes(4, "little")
    with pytest.raises(ScanError), unpacked(bytes(data), source="", limits=Limits(max_bytes=4000)):
        pass


def test_a_flipped_byte_in_a_member_is_found() -> None:
    data = bytearray(zipped({"a.png": bytes(range(256)) * 9}))
    data[60] ^= 0xFF
    with pytest.raises(ScanCorruptError), unpacked(bytes(data), source=""):
        pass


def test_an_encrypted_zip_is_refused() -> None:
    data = bytearray(zipped({"a.png": b"secret"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    with pytest.raises(ScanFormatError, match="encrypted"), unpacked(bytes(data), source=""):
        pass


def test_too_many_members_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_MEMBERS", 2)
    with pytest.raises(ScanTooLargeError), unpacked(zipped(dict.fromkeys("abc", b"")), source=""):
        pass


def test_a_plain_name_keeps_only_the_promise_of_a_scan() -> None:
    assert plain_name(3, "MUSTER^MAX/head.NII.GZ") == "000003.nii.gz"
    assert Path(plain_name(3, "MUSTER^MAX.notes")).suffix == ""
