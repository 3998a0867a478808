from collections.abc import Iterator
from contextlib import contextmanager

from tests.serving.conftest import png, volume_nifti
from tumorlens.model import Model
from tumorlens.notice import NOTICE
from tumorlens.prediction import predict
from tumorlens.reading import Limits, read_data
from tumorlens.reporting.wording import spoken
from tumorlens.scan import Scan, Volume
from tumorlens.serving.metrics import Metrics
from tumorlens.serving.opening import Upload, open_upload
from tumorlens.serving.report import draw_report


@contextmanager
def _opened(upload: Upload) -> Iterator[Scan | Volume]:
    yield open_upload(upload, limits=Limits())


def test_every_upload_is_on_the_page_answered_or_refused(model: Model, volume: Volume) -> None:
    uploads = [
        Upload("a.png", png()),
        Upload("<b>.txt", b"no scan"),
        Upload("c.nii", volume_nifti(volume)),
    ]
    metrics = Metrics()
    page = draw_report(uploads, model=model, opened=_opened, metrics=metrics).decode()
    answer = predict(read_data(png(), source="a.png"), model=model)
    assert f"<strong>{spoken(answer.label)}</strong>" in page
    assert '<h2 class="source">&lt;b&gt;.txt</h2>' in page
    assert "2 answered, 1 refused" in page
    assert NOTICE in page
    assert page.count("data:image/jpeg;base64,") == 3 * 4
    count = metrics.registry.get_sample_value
    assert count("tumorlens_tumor_probability_count") == 2
    assert count("tumorlens_refusals_total", {"code": "scan_format"}) == 1


def test_it_links_to_nothing(model: Model) -> None:
    uploads = [Upload("a.png", png())]
    page = draw_report(uploads, model=model, opened=_opened, metrics=Metrics()).decode()
    for word in ('href=""', "overlays/", "http://", "https://", "<script"):
        assert word not in page
