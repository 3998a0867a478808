"""An outline as a DICOM Segmentation, frame by frame on the images of the source series."""

import highdicom
import numpy as np
import numpy.typing as npt
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from tumorlens.model_identity import ModelIdentity
from tumorlens.reading.dicom.origin import Origin
from tumorlens.reporting.dicom_series import (
    MAKER,
    SHORT_NOTICE,
    about_us,
    making,
    name_of,
    tied_headers,
)

BoolArray = npt.NDArray[np.bool_]
_COLOR = (1.0, 0.25, 0.2)  # red, green, blue: as the outline in the overlays


def make_segmentation(
    origin: Origin, mask: BoolArray, model: ModelIdentity
) -> highdicom.seg.Segmentation:
    """Make the Segmentation of one segment, ``tumor``.

    Frames without tumor are left out; without any tumor all of them are there, and empty.

    Args:
        origin: Of the scan or volume.
        mask: bool, (slices, rows, columns) of the volume or (rows, columns) of the scan.
        model: That outlined.

    Returns:
        A BINARY Segmentation in the source's study and frame of reference, with the source's
        patient and study elements.

    Raises:
        ScanError: The source lacks what a Segmentation must be tied to.
    """
    headers = tied_headers(origin, placed=True)
    stored = origin.to_stored(mask)
    algorithm = highdicom.AlgorithmIdentificationSequence(
        name_of(model),
        family=codes.DCM.ArtificialIntelligence,
        version=model.version,
        source=MAKER,
        parameters={"sha256": model.sha256},
    )
    segment = highdicom.seg.SegmentDescription(
        1,
        "tumor",
        codes.SCT.MorphologicallyAbnormalStructure,
        codes.SCT.Neoplasm,
        "AUTOMATIC",
        algorithm,
        tracking_uid=generate_uid(),
        tracking_id="tumor",
        anatomic_regions=[codes.SCT.Brain],
        display_color=highdicom.color.CIELabColor.from_rgb(*(int(255 * c) for c in _COLOR)),
    )
    with making("Segmentation", source=origin.source):
        return highdicom.seg.Segmentation(
            headers,
            stored.astype(np.uint8),
            "BINARY",
            [segment],
            transfer_syntax_uid=ExplicitVRLittleEndian,
            content_description=SHORT_NOTICE,
            content_label="TUMOR",
            omit_empty_frames=bool(stored.any()),
            **about_us(model, description="Tumor outline", number=0),
        )
