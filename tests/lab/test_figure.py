from pathlib import Path

from tumorlens.lab.figure import new_figure, plain, save_figure


def test_names_stand_in_a_figure_as_they_are(tmp_path: Path) -> None:
    """Warnings are errors here: a character that the font lacks would be one."""
    assert plain("Größe Глиома\na_b") == "Größe Глиома\na_b"
    figure, (axis,) = new_figure()
    names = [plain(name) for name in ("肿瘤", "脑", "$x$", "\udce9")]
    axis.set_xticks(range(4), names)
    save_figure(figure, tmp_path / "names.png")
    assert len(set(names)) == 4
