import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import highdicom
import nibabel
import numpy as np
import pytest
from pydicom import Dataset, dcmread

from tumorlens.model import Model
from tumorlens.prediction import VolumePrediction, predict
from tumorlens.reading.own_files import RECORD
from tumorlens.reporting import segments
from tumorlens.reporting.dicom_folder import write_objects
from tumorlens.reporting.outline_inputs import find_inputs
from tumorlens.reporting.segments import write_segments
from tumorlens.scan import Volume
from tumorlens.volume_outlining import load_volume_model

from .made_dicom import write_series


def test_a_flair_series_is_outlined_by_the_companion_in_all_of_its_files(
    tmp_path: Path, outlining: Model, companion: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sure(volume: Volume, *, model: Model) -> VolumePrediction:
        found = predict(volume, model=model)
        assert isinstance(found, VolumePrediction)
        return replace(found, tumor_probability=0.9)

    monkeypatch.setattr(segments, "predict", sure)
    series = write_series(tmp_path / "series", SeriesDescription="Ax T2 FLAIR")
    out, model = tmp_path / "out", replace(outlining, companion=companion)
    found = find_inputs([str(series)])
    list(write_segments(found.inputs, out, model=model, dicom=write_objects))
    (record,) = json.loads((out / RECORD).read_text())
    identity = load_volume_model(companion).card.identity
    assert record["outlined_by"] == identity.to_json()
    assert record["model"]["name"] == outlining.card.name
    assert (out / record["picture"]).is_file()
    labels = np.asarray(nibabel.load(out / record["mask"]).dataobj)
    segmentation = dcmread(out / "series_seg.dcm")
    assert segmentation.pixel_array.sum() == labels.sum() > 0
    (segment,) = segmentation.SegmentSequence
    algorithm = segment.SegmentationAlgorithmIdentificationSequence[0]
    assert identity.sha256 in algorithm.AlgorithmParameters
    report = highdicom.sr.srread(out / "series_sr.dcm").content
    (region,) = report.get_volumetric_roi_measurement_groups()
    assert identity.sha256 in _text(region)
    whole, *_ = report.get_image_measurement_groups()
    assert outlining.card.sha256 in _text(whole)
    assert "Outline: by tumorlens tiny flair" in _text(report)


def _text(content: Iterable[Dataset]) -> str:
    return "".join(item.to_json() for item in content)
