import re

import pytest
from fastapi.testclient import TestClient

from tests.serving.conftest import MakeClient
from tumorlens.notice import NOTICE


def test_the_page_loads_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/").text
    assert f'<aside class="notice" aria-label="Notice">{NOTICE}</aside>' in page
    assert "{{" not in page
    links = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert "page/page.js" in links
    for link in links:
        done = client.get(f"/{link}")
        assert done.status_code == 200, link
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", done.text[:100_000]) or (
            link == "openapi.json"
        )
    assert "style=" not in page
    assert "onclick" not in page


@pytest.mark.parametrize(
    ("name", "kind"),
    [("page.js", "text/javascript"), ("page.css", "text/css"), ("icon.svg", "image/svg+xml")],
)
def test_files_have_their_types(client: TestClient, name: str, kind: str) -> None:
    assert client.get(f"/page/{name}").headers["content-type"].startswith(kind)


@pytest.mark.parametrize("name", ["index.html", "..%2fapp.py", "../app.py", "nothing"])
def test_other_files_are_not_served(client: TestClient, name: str) -> None:
    assert client.get(f"/page/{name}").status_code == 404


def test_it_knows_whether_a_key_is_wanted(client: TestClient, make_client: MakeClient) -> None:
    assert 'data-access="open"' in client.get("/").text
    page = make_client(api_key="a-s3cret").get("/").text
    assert 'data-access="closed"' in page
    assert "a-s3cret" not in page
