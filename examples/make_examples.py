"""Make the scans of this folder from the public MNI152 template that nilearn carries.

    python examples/make_examples.py

The template (ICBM 2009a nonlinear symmetric, V. Fonov and others, NeuroImage 54(1), 2011,
doi:10.1016/j.neuroimage.2010.07.033; free to use, copy and change) is the average of 152 healthy
adults' T1 scans, without skull. Some slices are shown as they are, others with a lesion drawn
into them. The lesions are simulated: bright or ring-shaped blobs where such tumors are often
seen. They show how tumorlens is used, not how good it is.
"""

from pathlib import Path

import nibabel
import nilearn
import numpy as np
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid
from scipy.ndimage import gaussian_filter

HERE = Path(__file__).parent
TEMPLATE = "datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"


def load_template() -> tuple[np.ndarray, np.ndarray]:
    """The template as (x, y, z) in RAS, 0..1, 1 mm, and its affine."""
    image = nibabel.load(Path(nilearn.__file__).parent / TEMPLATE)
    voxels = np.asarray(image.get_fdata(), np.float32)
    return voxels / np.percentile(voxels, 99.9), image.affine


def show(plane: np.ndarray) -> np.ndarray:
    """A plane of the template the way radiologists see it, 256 x 256."""
    picture = np.rot90(plane)[:, ::-1]
    canvas = np.zeros((256, 256), np.float32)
    top, left = (256 - picture.shape[0]) // 2, (256 - picture.shape[1]) // 2
    canvas[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return canvas


def draw_lesion(
    picture: np.ndarray, *, row: int, column: int, radius: float, ring: bool
) -> np.ndarray:
    """Draw a simulated lesion: a bright ball, or a bright rim round a dark core with edema."""
    rng = np.random.default_rng(row * 1000 + column)
    rows, columns = np.mgrid[0:256, 0:256]
    ripple = gaussian_filter(rng.normal(0, 1, (256, 256)), 6)
    distance = np.hypot(rows - row, columns - column) + ripple / ripple.std() * radius * 0.09
    texture = 1 + 0.06 * gaussian_filter(rng.normal(0, 1, (256, 256)), 1)
    drawn = picture * 0.7  # enhancement raises the lesion over the brain
    if ring:
        edema = np.clip(1.9 - distance / radius, 0, 1) * (picture > 0.1)
        drawn = drawn * (1 - 0.4 * edema)
        drawn = np.where(distance < radius, 0.95 * texture, drawn)
        drawn = np.where(distance < 0.72 * radius, 0.3 * texture, drawn)
    else:
        drawn = np.where(distance < radius, 0.9 * texture, drawn)
    return gaussian_filter(drawn, 1.0)


def save(name: str, picture: np.ndarray) -> None:
    """Write an 8-bit gray picture."""
    Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8)).save(HERE / name)


def save_dicom(name: str, picture: np.ndarray) -> None:
    """Write the slice as a DICOM file of nobody."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[name])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = FileDataset(name, {}, file_meta=meta, preamble=b"\0" * 128)
    file.SOPClassUID, file.SOPInstanceUID = MRImageStorage, meta.MediaStorageSOPInstanceUID
    file.StudyInstanceUID = file.SeriesInstanceUID = generate_uid(entropy_srcs=["tumorlens"])
    file.PatientName, file.PatientID, file.Modality = "MNI152^Template", "none", "MR"
    file.SeriesDescription = "T1 template"
    file.PixelSpacing, file.SliceThickness = [1, 1], 1
    file.ImageOrientationPatient, file.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 0]
    file.Rows, file.Columns = picture.shape
    file.SamplesPerPixel, file.PhotometricInterpretation = 1, "MONOCHROME2"
    file.BitsAllocated, file.BitsStored, file.HighBit, file.PixelRepresentation = 16, 12, 11, 0
    file.PixelData = (np.clip(picture, 0, 1) * 4095).astype(np.uint16).tobytes()
    file.save_as(HERE / name)


def main() -> None:
    """Write every example."""
    voxels, affine = load_template()
    axial, high = show(voxels[:, :, 80]), show(voxels[:, :, 100])
    coronal, sagittal = show(voxels[:, 110, :]), show(voxels[98, :, :])
    beside_middle = show(voxels[96, :, :])
    save("mni152_axial.png", axial)
    save("mni152_coronal.jpg", coronal)
    save_dicom("mni152_sagittal.dcm", sagittal)
    save("simulated_glioma_axial.png", draw_lesion(high, row=105, column=98, radius=22, ring=True))
    save(
        "simulated_meningioma_coronal.jpg",
        draw_lesion(coronal, row=95, column=178, radius=20, ring=False),
    )
    save(
        "simulated_pituitary_sagittal.png",
        draw_lesion(beside_middle, row=176, column=107, radius=12, ring=False),
    )
    small = voxels[::3, ::3, ::3]
    volume = nibabel.Nifti1Image(
        (small * 255).clip(0, 255).astype(np.uint8), affine @ np.diag([3.0, 3.0, 3.0, 1.0])
    )
    nibabel.save(volume, HERE / "mni152_t1.nii.gz")


if __name__ == "__main__":
    main()
