import pytest

from tumorlens import errors
from tumorlens.errors import TumorlensError

TREE = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, TumorlensError)
]


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_each_says_what_was_expected_found_and_to_do(kind: type[TumorlensError]) -> None:
    error = kind(expected="an apple", found="a pear", remedy="Buy one.", source="basket")
    assert str(error) == "basket: expected an apple; found a pear. Buy one."
    assert error.to_json()["code"] == kind.code


def test_codes_are_unique_and_the_docstring_draws_the_whole_tree() -> None:
    assert len({kind.code for kind in TREE}) == len(TREE)
    assert errors.__doc__ is not None
    assert all(kind.__name__ in errors.__doc__ for kind in TREE)
