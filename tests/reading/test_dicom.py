"""DICOM files and series, held against the same head as NIfTI."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_file
from pydicom.dataset import FileDataset
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    EncapsulatedPDFStorage,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    SegmentationStorage,
)

from tumorlens.errors import (
    ScanContentError,
    ScanCorruptError,
    ScanEmptyError,
    ScanFormatError,
    ScanTooLargeError,
)
from tumorlens.reading import Limits, dicom, nifti, read_scan
from tumorlens.reading.dicom import apart
from tumorlens.reading.limits import DEFAULT_LIMITS
from tumorlens.scan import Scan, Volume

from .made import (
    SECRET,
    affine,
    block,
    cut,
    dataset,
    dicom_bytes,
    enhanced,
    nifti_bytes,
    picture,
    pixels_of,
    shown,
)


def bundled(name: str) -> str:
    """A file inside the wheel of pydicom; nothing is downloaded."""
    path = get_testdata_file(name, download=False)
    if path is None:
        pytest.skip(f"this pydicom has no {name}")
    return str(path)


PLANES = {"axial": (2, 1, 0), "coronal": (1, 2, 0), "sagittal": (0, 2, 1)}


def read(made: FileDataset | bytes, limits: Limits = DEFAULT_LIMITS) -> Scan | Volume:
    data = made if isinstance(made, bytes) else dicom_bytes(made)
    return dicom.read(data, source="scan", limits=limits)


def written(folder: Path, slices: list[FileDataset]) -> Path:
    """A folder with the files of one series, whose names say nothing about their order."""
    folder.mkdir(exist_ok=True)
    for index in np.random.default_rng(7).permutation(len(slices)):
        (folder / f"{index * 7919 % 104729}.dcm").write_bytes(dicom_bytes(slices[index]))
    return folder


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("thick", [1.0, 5.0])
def test_a_series_is_the_same_head_as_nifti(tmp_path: Path, plane: str, thick: float) -> None:
    order = PLANES[plane]
    spacing = [1.0, 1.0, 1.0]
    spacing[order[0]] = thick
    matrix = affine((spacing[0], spacing[1], spacing[2]))
    found = read_scan(written(tmp_path / "series", cut(block(), matrix, order)))
    expected = nifti.read(nifti_bytes(block(), matrix), source="x", limits=DEFAULT_LIMITS)
    assert isinstance(found, Volume)
    assert isinstance(expected, Volume)
    np.testing.assert_array_equal(found.voxels, expected.voxels)
    np.testing.assert_allclose(found.affine, expected.affine, atol=1e-4)
    assert found.spacing_mm == pytest.approx(expected.spacing_mm)
    assert found.plane == (plane if thick > 1 else "axial")
    assert found.source == str(tmp_path / "series")


@pytest.mark.parametrize("flips", [(1, -1), (-1, 1), (-1, -1)])
def test_slices_scanned_the_other_way_round(tmp_path: Path, flips: tuple[int, int]) -> None:
    matrix = affine() @ np.diag([flips[0], flips[1], -1, 1])
    found = read_scan(written(tmp_path / "series", cut(block(), matrix, (2, 0, 1))))
    expected = nifti.read(nifti_bytes(block(), matrix), source="x", limits=DEFAULT_LIMITS)
    np.testing.assert_array_equal(pixels_of(found), pixels_of(expected))


def test_an_oblique_series(tmp_path: Path) -> None:
    angle = np.deg2rad(20)
    turn = np.eye(4)
    turn[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    matrix = turn @ affine((1, 1, 3))
    found = read_scan(written(tmp_path / "series", cut(block(), matrix, (2, 1, 0))))
    assert isinstance(found, Volume)
    assert found.plane == "axial"
    np.testing.assert_array_equal(found.voxels, shown(block()))


@pytest.mark.parametrize("plane", PLANES)
def test_one_slice_is_turned_like_its_volume(plane: str) -> None:
    made = cut(block(), affine(), PLANES[plane])[2]
    scan = read(made)
    assert isinstance(scan, Scan)
    plain = made.pixel_array
    np.testing.assert_array_equal(scan.pixels, plain[::-1, ::-1])
    assert scan.spacing_mm == (1.0, 1.0)


def test_without_orientation_as_stored(tmp_path: Path) -> None:
    scan = read(dataset(picture()))
    np.testing.assert_array_equal(pixels_of(scan), picture())
    slices = [dataset(picture() + i, InstanceNumber=i + 1) for i in range(4)]
    volume = read_scan(written(tmp_path / "series", slices))
    assert isinstance(volume, Volume)
    assert (volume.plane, volume.affine, volume.spacing_mm) == (None, None, None)
    np.testing.assert_array_equal(volume.voxels, np.stack([picture() + i for i in range(4)]))


def test_enhanced_frames_are_sorted_and_scaled_each() -> None:
    volume = read(enhanced(block()))
    assert isinstance(volume, Volume)
    np.testing.assert_array_equal(volume.voxels, shown(block()))
    assert volume.plane == "axial"
    made = enhanced(block(), slopes=[1.0 + i for i in range(14)])
    slopes = {
        float(frame.PlanePositionSequence[0].ImagePositionPatient[2]): i + 1.0
        for i, frame in enumerate(made.PerFrameFunctionalGroupsSequence)
    }
    expected = shown(block()) * np.array([slopes[z] for z in sorted(slopes)])[:, None, None]
    np.testing.assert_array_equal(pixels_of(read(made)), expected)


@pytest.mark.parametrize(
    "syntax", [JPEG2000Lossless, JPEGLossless, JPEGLosslessSV1, JPEGLSLossless, RLELossless]
)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_lossless_compression(syntax, dtype: type) -> None:
    values = picture(64, 48).astype(dtype) * (1 if dtype is np.uint8 else 211)
    scan = read(dicom_bytes(dataset(values), syntax))
    np.testing.assert_array_equal(pixels_of(scan), values.astype(np.float32))


def test_jpeg_baseline() -> None:
    scan = read(dicom_bytes(dataset(picture()), JPEGBaseline8Bit))
    assert np.abs(pixels_of(scan) - picture()).mean() < 4


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_plain_syntaxes(syntax, tmp_path: Path) -> None:
    made = dcmread(bundled("MR_small.dcm"))
    name = "MR_small_implicit.dcm" if syntax == ImplicitVRLittleEndian else "MR_small_bigendian.dcm"
    scan = read_scan(bundled(name))
    np.testing.assert_array_equal(pixels_of(scan), pixels_of(read(made)))


@pytest.mark.parametrize(
    "name",
    [
        *("MR_small.dcm", "MR_small_RLE.dcm", "MR_small_jp2klossless.dcm", "MR_small_expb.dcm"),
        *("MR_small_jpeg_ls_lossless.dcm", "MR_small_padded.dcm", "examples_overlay.dcm"),
        *("SC_rgb_jpeg_dcmtk.dcm", "SC_rgb_rle_2frame.dcm", "SC_ybr_full_422_uncompressed.dcm"),
        *("SC_rgb_jls_lossy_line.dcm", "image_dfl.dcm", "SC_rgb_rle_32bit.dcm"),
    ],
)
def test_files_of_other_makers(name: str) -> None:
    values = pixels_of(read_scan(bundled(name)))
    assert values.dtype == np.float32
    assert values.max() > values.min()


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("slope", ["1e36", "1e37", "1e300"])
def test_a_slope_beyond_all_signal(slope: str, photometric: str) -> None:
    made = dataset(picture(), RescaleSlope=slope, RescaleIntercept="0")
    made.PhotometricInterpretation = photometric
    with pytest.raises(ScanContentError, match=r"float32|within"):
        read(made)


def test_without_preamble(tmp_path: Path) -> None:
    data = dicom_bytes(dataset(picture()))
    path = tmp_path / "bare"
    for start in (132, data.index(b"\x08\0\x16\0UI")):
        path.write_bytes(data[start:])
        np.testing.assert_array_equal(pixels_of(read_scan(path)), picture())


def test_rescale_inversion_and_no_window() -> None:
    made = dataset(picture(), RescaleSlope=2, RescaleIntercept=-5, WindowCenter=1, WindowWidth=1)
    np.testing.assert_array_equal(pixels_of(read(made)), picture() * 2.0 - 5)
    made = dataset(picture(), PhotometricInterpretation="MONOCHROME1")
    low, high = float(picture().min()), float(picture().max())
    np.testing.assert_array_equal(pixels_of(read(made)), low + high - picture())
    made = dataset(picture(), RescaleSlope=0)
    np.testing.assert_array_equal(pixels_of(read(made)), picture())


def test_padding_outside_the_range() -> None:
    values = picture().astype(np.int16) + 10
    values[:3] = -2000
    found = pixels_of(read(dataset(values, PixelPaddingValue=-2000)))
    assert found.min() == values[3:].min()
    np.testing.assert_array_equal(found[3:], values[3:])


def test_padding_is_dark_where_low_values_are_bright() -> None:
    pixels = picture().astype(np.int16) + 10
    pixels[:4] = -2000
    made = dataset(pixels, PhotometricInterpretation="MONOCHROME1", PixelPaddingValue=-2000)
    shown = pixels_of(read(made))
    assert (shown[:4] == shown.min()).all()
    np.testing.assert_array_equal(np.diff(shown[4:], axis=0), -np.diff(pixels[4:], axis=0))


def test_colour_and_palette() -> None:
    rgb = np.stack([picture()] * 3, -1)[None]
    made = dataset(rgb, PhotometricInterpretation="RGB", PlanarConfiguration=0)
    np.testing.assert_array_equal(pixels_of(read(made)), picture())
    made = dataset(picture(), PhotometricInterpretation="PALETTE COLOR")
    for colour in ("Red", "Green", "Blue"):
        setattr(made, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
        table = (np.arange(256, dtype="<u2")[::-1] * 256).tobytes()
        setattr(made, f"{colour}PaletteColorLookupTableData", table)
        made[f"{colour}PaletteColorLookupTableDescriptor"].VR = "US"
        made[f"{colour}PaletteColorLookupTableData"].VR = "OW"
    np.testing.assert_allclose(pixels_of(read(made)), (255.0 - picture()) * 256, rtol=1e-5)


@pytest.mark.parametrize(
    ("tags", "sequence"),
    [
        ({"SeriesDescription": "Ax T1 SE"}, "t1"),
        ({"SeriesDescription": "Ax T1 SE", "ContrastBolusAgent": "Gadovist"}, "t1c"),
        ({"SeriesDescription": "Ax T1 SE", "ContrastBolusAgent": "NONE"}, "t1"),
        ({"SeriesDescription": SECRET, "ProtocolName": "AX T2 FLAIR"}, "flair"),
        ({}, None),
    ],
)
def test_sequence(tags: dict[str, str], sequence: str | None) -> None:
    assert read(dataset(picture(), **tags)).sequence == sequence


@pytest.mark.parametrize("modality", ["CT", "CR", "US", "PT", "mg", SECRET])
def test_other_modalities(modality: str) -> None:
    named = modality.upper() if modality != SECRET else "unknown"
    made = dataset(picture())
    made["Modality"] = made["Modality"].__class__("Modality", "LO", modality)
    with pytest.raises(ScanContentError, match=f"modality {named}"):
        read(made)


@pytest.mark.parametrize("modality", ["MR", "OT", "SC", ""])
def test_modalities_that_may_be_mr(modality: str) -> None:
    read(dataset(picture(), Modality=modality))
    with pytest.raises(ScanContentError, match="CT Image Storage"):
        read(dataset(picture(), Modality=modality, SOPClassUID=CTImageStorage))


@pytest.mark.parametrize(
    ("uid", "name"),
    [
        (EncapsulatedPDFStorage, "Encapsulated PDF"),
        (SegmentationStorage, "Segmentation"),
        ("1.2.840.10008.1.3.10", "Media Storage Directory"),
    ],
)
def test_objects_that_are_no_images(uid: str, name: str) -> None:
    with pytest.raises(ScanFormatError, match=name):
        read(dataset(picture(), SOPClassUID=uid))


def test_without_pixels_and_mosaics() -> None:
    made = dataset(picture())
    del made.PixelData
    with pytest.raises(ScanCorruptError, match="end before"):
        read(made)
    with pytest.raises(ScanContentError, match="mosaic"):
        read(dataset(picture(), ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"]))


def test_sizes() -> None:
    for tags, error in (
        ({"Rows": 0}, ScanEmptyError),
        ({"Rows": 60000, "Columns": 60000}, ScanTooLargeError),
        ({"NumberOfFrames": 10**7}, ScanTooLargeError),
        ({"Rows": 25}, ScanCorruptError),
    ):
        with pytest.raises(error):
            read(dataset(picture(), **tags))
    made = dataset(picture())
    del made.Rows
    with pytest.raises(ScanCorruptError, match="rows and columns"):
        read(made)


def test_a_codestream_of_another_size() -> None:
    for syntax in (JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless):
        made = dcmread(BytesIO(dicom_bytes(dataset(picture(40, 40)), syntax)))
        made.Rows = 39
        with pytest.raises(ScanCorruptError, match="39 x 40"):
            read(made)


@pytest.mark.parametrize(
    ("syntax", "words"),
    [
        ("1.2.840.10008.1.2.4.100", "MPEG2"),
        ("1.2.3.4.5", "unknown syntax 1.2.3.4.5"),
        (JPEGExtended12Bit, "JPEG Extended"),
    ],
)
def test_a_syntax_without_decoder(syntax: str, words: str) -> None:
    data = dicom_bytes(dataset(picture().astype(np.uint16), BitsStored=12), RLELossless)
    made = dcmread(BytesIO(data))
    made.file_meta.TransferSyntaxUID = syntax
    with pytest.raises(ScanFormatError, match=words):
        read(made)


def test_a_deflated_bomb() -> None:
    path = bundled("image_dfl.dcm")
    data = Path(path).read_bytes()
    assert DeflatedExplicitVRLittleEndian.encode() in data
    with pytest.raises(ScanTooLargeError, match="bytes"):
        read(data, limits=Limits(max_bytes=len(data)))


def test_the_decoder_apart_dies_and_comes_back() -> None:
    good = dicom_bytes(dataset(picture()), JPEGLosslessSV1)
    read(good)
    process = apart._Child.process
    assert process is not None
    process.kill()
    process.wait()
    np.testing.assert_array_equal(pixels_of(read(good)), picture())
    apart._stop(apart._Child.process)


def test_nothing_in_the_current_folder_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("numpy", "pydicom", "json"):
        (tmp_path / f"{name}.py").write_text("open('was-run', 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    apart._stop(apart._started())
    scan = read(dicom_bytes(dataset(picture()), JPEGLSLossless))
    np.testing.assert_array_equal(pixels_of(scan), picture())
    assert not (tmp_path / "was-run").exists()


def test_the_decoder_apart_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "_TIMEOUT_S", 0.0)
    apart._stop(apart._started())
    with pytest.raises(ScanCorruptError, match="JPEG Lossless"):
        read(dicom_bytes(dataset(picture()), JPEGLosslessSV1))


def test_no_patient_is_handed_to_the_decoder_apart() -> None:
    made = dcmread(BytesIO(dicom_bytes(dataset(picture()), JPEGLosslessSV1)))
    assert b"Secret" not in apart._request(made)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s[1].__setattr__("ImagePositionPatient", s[0].ImagePositionPatient), "13 pos"),
        (lambda s: s.pop(4), "gap of 2.00 mm between the images 6 and 4"),
        (lambda s: s[1].__setattr__("ImageOrientationPatient", [0, 1, 0, 0, 0, 1]), "2 orient"),
    ],
)
def test_what_is_no_volume(tmp_path: Path, change, words: str) -> None:
    slices = cut(block(), affine(), (2, 1, 0))
    change(slices)
    with pytest.raises(ScanContentError, match=words) as caught:
        read_scan(written(tmp_path / "series", slices))
    assert "Secret" not in str(caught.value)


def shifted(slices: list[FileDataset], by: Callable[[int], float]) -> list[FileDataset]:
    """The same, each moved along its rows by as many mm as are told for its index."""
    for index, made in enumerate(slices):
        across, *others = made.ImagePositionPatient
        made.ImagePositionPatient = [across + by(index), *others]
    return slices


@pytest.mark.parametrize(
    ("by", "words"),
    [
        (lambda index: 3.0 * (index % 2), "shifted sideways"),
        (lambda index: 0.6 * (index == 5), "1 of 14 slices.* the image 6 by 0.60 mm"),
        (lambda index: 0.05 * index**2, "shifted sideways"),
    ],
)
def test_slices_beside_one_another(tmp_path: Path, by: Callable[[int], float], words: str) -> None:
    slices = shifted(cut(block(), affine((1, 1, 4)), (2, 1, 0)), by)
    with pytest.raises(ScanContentError, match=words):
        read_scan(written(tmp_path / "series", slices))


def test_a_tilted_gantry_and_rounded_positions(tmp_path: Path) -> None:
    slices = shifted(cut(block(), affine((1, 1, 4)), (2, 1, 0)), lambda index: 1.5 * index)
    rounded = shifted(slices, lambda index: 0.15 * (index % 2))
    volume = read_scan(written(tmp_path / "series", rounded))
    assert isinstance(volume, Volume)
    np.testing.assert_array_equal(volume.voxels, shown(block()))
    assert volume.affine is not None
    assert abs(volume.affine[0, 0]) == pytest.approx(1.5, abs=0.02)


def oblique_series(step: float) -> list[FileDataset]:
    """Slices of cubes, tilted twice, their positions rounded to 0.1 mm as some exports do."""
    angles = np.deg2rad([17, 9])
    tilt, turn = np.eye(4), np.eye(4)
    for matrix, angle, axes in ((tilt, angles[0], (1, 2)), (turn, angles[1], (0, 1))):
        matrix[np.ix_(axes, axes)] = [
            [np.cos(angle), -np.sin(angle)],
            [np.sin(angle), np.cos(angle)],
        ]
    matrix = turn @ tilt @ affine((step, step, step))
    slices = cut(block((6, 7, 60)), matrix, (2, 1, 0))
    for made in slices:
        made.ImagePositionPatient = [round(float(at), 1) for at in made.ImagePositionPatient]
    return slices


@pytest.mark.parametrize("step", [0.25, 0.4, 0.5, 0.7])
def test_small_steps_with_rounded_positions(tmp_path: Path, step: float) -> None:
    slices = oblique_series(step)
    volume = read_scan(written(tmp_path / "series", slices))
    assert isinstance(volume, Volume)
    assert len(volume.voxels) == 60
    assert volume.spacing_mm == pytest.approx((step,) * 3, abs=0.01)
    missing = slices.pop(23)
    before, after = missing.InstanceNumber + 1, missing.InstanceNumber - 1
    with pytest.raises(
        ScanContentError,
        match=f"gap of .* between the images {before} and {after}|"
        f"gap of .* between the images {after} and {before}",
    ):
        read_scan(written(tmp_path / "gap", slices))


def test_several_sizes(tmp_path: Path) -> None:
    slices = cut(block(), affine(), (2, 1, 0))
    slices[3] = dataset(picture(), InstanceNumber=4)
    with pytest.raises(ScanContentError, match="12 x 10, 24 x 32"):
        read_scan(written(tmp_path / "series", slices))


@pytest.mark.parametrize("spacing", [None, [0, 0]])
def test_a_series_without_pixel_spacing(tmp_path: Path, spacing: list[int] | None) -> None:
    slices = cut(block(), affine(), (2, 1, 0))
    for made in slices:
        made.PixelSpacing = spacing
    volume = read_scan(written(tmp_path / "series", slices))
    assert isinstance(volume, Volume)
    assert (volume.spacing_mm, volume.affine) == (None, None)
    np.testing.assert_array_equal(volume.voxels, shown(block()))


def test_several_pixel_spacings(tmp_path: Path) -> None:
    slices = cut(block(), affine(), (2, 1, 0))
    for made in slices[::2]:
        made.PixelSpacing = [1.008, 1.0]
    assert len(pixels_of(read_scan(written(tmp_path / "rounded", slices)))) == 14
    for made in slices[8:]:
        made.PixelSpacing = [1.0, 0.98]
    with pytest.raises(ScanContentError, match=r"1 x 0\.98 mm, 1 x 1 mm, 1\.008 x 1 mm"):
        read_scan(written(tmp_path / "zoomed", slices))


def test_a_series_of_too_many_slices(tmp_path: Path) -> None:
    folder = written(tmp_path / "series", cut(block(), affine(), (2, 1, 0)))
    with pytest.raises(ScanTooLargeError, match="at most 13 slices"):
        read_scan(folder, limits=Limits(max_slices=13))
    assert len(pixels_of(read_scan(folder, limits=Limits(max_slices=14)))) == 14


def test_slices_count_as_they_are_cut_anew(tmp_path: Path) -> None:
    upright = cut(block((4, 4, 30)), affine(), (1, 2, 0))  # 4 coronal slices become 30 axial ones
    folder = written(tmp_path / "series", upright)
    assert len(pixels_of(read_scan(folder))) == 30
    with pytest.raises(ScanTooLargeError, match="at most 29 slices"):
        read_scan(folder, limits=Limits(max_slices=29))


def test_copies_count_once(tmp_path: Path) -> None:
    folder = written(tmp_path / "series", cut(block(), affine(), (2, 1, 0)))
    for path in list(folder.iterdir()):
        (folder / f"copy-{path.name}").write_bytes(path.read_bytes())
    np.testing.assert_array_equal(pixels_of(read_scan(folder)), shown(block()))


def test_images_that_were_all_given_one_uid_are_no_copies(tmp_path: Path) -> None:
    slices = cut(block(), affine(), (2, 1, 0))
    for made in slices:
        made.SOPInstanceUID = "1.2.3"
    volume = read_scan(written(tmp_path / "series", slices))
    np.testing.assert_array_equal(pixels_of(volume), shown(block()))


def test_a_damaged_file_of_a_series_is_named(tmp_path: Path) -> None:
    folder = written(tmp_path / "series", cut(block(), affine(), (2, 1, 0)))
    path = sorted(folder.iterdir())[3]
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ScanCorruptError, match=path.name):
        read_scan(folder)


def test_series_limits(tmp_path: Path) -> None:
    folder = written(tmp_path / "series", cut(block(), affine(), (2, 1, 0)))
    with pytest.raises(ScanTooLargeError, match="voxels"):
        read_scan(folder, limits=Limits(max_voxels=block().size - 1))
