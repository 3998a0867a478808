from tests.serving.conftest import png, volume_nifti
from tumorlens.model import Model
from tumorlens.notice import NOTICE
from tumorlens.prediction import predict
from tumorlens.reading import Limits, read_data
from tumorlens.reporting.wording import spoken
from tumorlens.scan import Volume
from tumorlens.serving.opening import Upload
from tumorlens.serving.report import draw_report


def test_every_upload_is_on_the_page_answered_or_refused(model: Model, volume: Volume) -> None:
    uploads = [
        Upload("a.png", png()),
        Upload("<b>.txt", b"no scan"),
        Upload("c.nii", volume_nifti(volume)),
    ]
    page = draw_report(uploads, model=model, limits=Limits()).decode()
    answer = predict(read_data(png(), source="a.png"), model=model)
    assert f"<strong>{spoken(answer.label)}</strong>" in page
    assert '<h2 class="source">&lt;b&gt;.txt</h2>' in page
    assert "2 answered, 1 refused" in page
    assert NOTICE in page
    assert page.count("data:image/jpeg;base64,") == 3 * 4


def test_it_links_to_nothing(model: Model) -> None:
    page = draw_report([Upload("a.png", png())], model=model, limits=Limits()).decode()
    for word in ('href=""', "overlays/", "http://", "https://", "<script"):
        assert word not in page
