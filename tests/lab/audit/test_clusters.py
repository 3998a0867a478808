from pathlib import Path

from tumorlens.lab.audit.alignment import Agreement
from tumorlens.lab.audit.clusters import cluster
from tumorlens.lab.audit.twins import Twins

from .made_pictures import entry

AGREEMENT = Agreement(0.9, 1.0, 50, mirrored=False, turned=0)


def twins(first: int, second: int) -> Twins:
    return Twins(first, second, False, AGREEMENT)


def test_a_patient_is_carried_to_the_copies_and_their_copies() -> None:
    patients = ["a:1", "a:1", "a:2", None, None, None]
    entries = [entry(Path(f"{n}.png"), patient=who) for n, who in enumerate(patients)]
    found = cluster(entries, [twins(1, 3), twins(3, 4)])
    assert found.group == ("a:1", "a:1", "a:2", "a:1", "a:1", "5.png")
    assert found.patients == (("a:1",), ("a:1",), ("a:2",), ("a:1",), ("a:1",), ())
    assert found.cluster[1] == found.cluster[3] == found.cluster[4] != found.cluster[0]


def test_two_patients_of_one_picture_are_one_group() -> None:
    entries = [entry(Path(f"{n}.png"), patient=who) for n, who in enumerate(["b", "a", None])]
    found = cluster(entries, [twins(0, 2), twins(1, 2)])
    assert found.group == ("a", "a", "a")
    assert found.patients == (("b",), ("a",), ("a", "b"))


def test_strangers_stay_alone() -> None:
    found = cluster([entry(Path("x.png")), entry(Path("y.png"))], [])
    assert found.group == ("x.png", "y.png")
    assert found.patients == ((), ())
    assert len(set(found.cluster)) == 2
