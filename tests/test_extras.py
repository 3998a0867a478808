import pytest

from tumorlens.errors import MissingExtraError
from tumorlens.extras import import_extra


def test_what_is_installed_is_imported() -> None:
    assert import_extra("tumorlens.lab.config", extra="lab").Config


def test_what_is_absent_is_named_with_the_way_to_install_it() -> None:
    with pytest.raises(MissingExtraError) as caught:
        import_extra("tumorlens_absent.module", extra="lab")
    assert "tumorlens[lab]" in caught.value.remedy
