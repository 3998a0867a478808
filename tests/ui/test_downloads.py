import json

import pytest

from tumorlens.model import Model
from tumorlens.notice import NOTICE
from tumorlens.prediction import predict
from tumorlens.reporting import write_report
from tumorlens.reporting.formats import to_record
from tumorlens.scan import Scan, Volume
from tumorlens.ui.downloads import answer_json, report_page


def test_the_answer_is_the_commands_json(scan: Scan, outlining: Model) -> None:
    answer = predict(scan, model=outlining)
    made = json.loads(answer_json(scan, answer))
    assert made.pop("notice") == NOTICE
    assert made == json.loads(json.dumps(to_record((scan, answer))))
    assert "area_percent" in made["outline"]


@pytest.mark.parametrize("kind", ["scan", "volume"])
def test_the_report_is_the_commands_page(
    request: pytest.FixtureRequest, model: Model, tmp_path: object, kind: str
) -> None:
    scan: Scan | Volume = request.getfixturevalue(kind)
    answer = predict(scan, model=model)
    page = report_page(scan, answer, model.card).decode()
    written = write_report([(scan, answer)], str(tmp_path), card=model.card).read_text()
    assert page.count("data:image/jpeg") == written.count("data:image/jpeg") > 0
    assert NOTICE in page
    assert f"{answer.tumor_probability * 100:.1f} %" in page
