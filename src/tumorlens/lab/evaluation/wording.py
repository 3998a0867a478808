"""Figures and tables in words, the same in the report, the model card and the README."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

NONE = "-"

CHECK_TITLES = {
    "same_heads": "Slices with and without tumor from the same heads",
    "painted_over": "The tumor painted over",
    "surroundings": "Without the brain: what lies outside the head, and its outline",
    "healthy": "Healthy volumes",
    "localisation": "Heatmaps against outlines",
    "outlines": "Outlines against those drawn by people",
}
"""By the names in `tumorlens.lab.evaluation.checks.CHECKS`."""


_STRATA = {
    "per_dataset": ("Each data set", "data set"),
    "per_plane": ("Each plane", "plane"),
    "per_sequence": ("Each MR sequence", "sequence"),
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table for people.

    Attributes:
        title: Above it.
        columns: Their headings.
        rows: Text, as many as columns in each.
        note: What must be known to read it; may be empty.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def all_tables(record: Mapping[str, Any]) -> list[Table]:
    """Every table of an evaluation, as it stands in ``evaluation.json``."""
    return [*score_tables(record), *check_tables(record)]


def beside(record: Mapping[str, Any]) -> str:
    """What must stand beside every figure of an evaluation: `` (leaky split)``, else nothing.

    Args:
        record: As in ``evaluation.json``, or a card's scores.
    """
    return f" ({split})" if (split := record.get("split")) else ""


def score_tables(record: Mapping[str, Any]) -> list[Table]:
    """All tables but the checks'."""
    return _named(record, _score_tables(record))


def _named(record: Mapping[str, Any], tables: Sequence[Table]) -> list[Table]:
    return [replace(table, title=table.title + beside(record)) for table in tables]


def _score_tables(record: Mapping[str, Any]) -> list[Table]:
    tables = [class_table(record["scores"]), confusion_table(record["scores"])]
    for name, (title, first) in _STRATA.items():
        strata = record.get(name) or {}
        if name == "per_dataset":
            strata = strata | {"all": record["scores"]}
        if len(strata) > 1:
            tables.append(strata_table(title, first, strata))
    if pooled := record.get("pooled"):
        tables.append(strata_table("Each run on its own fold", "run", pooled))
    tables += [leakage_table(name, one) for name, one in record.get("leakage", {}).items()]
    if "comparison" in record:
        tables.append(comparison_table(record["comparison"]))
    return tables


def figure(value: float | None, ends: Sequence[float] | None = None) -> str:
    """A score, with its interval where there is one: ``0.912 (0.88-0.94)``."""
    if value is None:
        return NONE
    if not ends:
        return _plain(value)
    low, high = map(_plain, ends)
    between = " to " if low.startswith("-") else "\N{EN DASH}"
    return f"{_plain(value)} ({low}{between}{high})"


def _plain(value: float) -> str:
    return f"{round(value, 3) + 0.0:.3f}"  # never -0.000


def scored(record: Mapping[str, Any], name: str) -> str:
    """One score of a record that carries its ``intervals``, which may be absent."""
    return figure(record.get(name), (record.get("intervals") or {}).get(name))


def class_table(scores: Mapping[str, Any]) -> Table:
    """One class against the rest, and the macro mean."""
    intervals = (scores.get("intervals") or {}).get("per_class") or {}
    names = ("precision", "recall", "f1", "auc")
    rows = [
        (name, *(scored(one | {"intervals": intervals.get(name)}, key) for key in names),
         str(one["support"]))
        for name, one in scores["per_class"].items()
    ]  # fmt: skip
    rows.append(("macro mean", *(scored(scores, key) for key in names), str(scores["count"])))
    return Table(
        "One class against the rest",
        ("class", "precision", "recall", "F1", "AUC", "pictures"),
        tuple(rows),
    )


def confusion_table(scores: Mapping[str, Any]) -> Table:
    """Counts: rows the truth, columns the answer."""
    names = tuple(scores["per_class"])
    rows = tuple(
        (name, *map(str, row)) for name, row in zip(names, scores["confusion"], strict=True)
    )
    return Table("Confusion: rows the truth, columns the answer", ("truth", *names), rows)


def strata_table(title: str, first: str, strata: Mapping[str, Mapping[str, Any]]) -> Table:
    """Scores of several sets of pictures, one a line."""
    columns = (first, "accuracy", "macro recall", "sensitivity", "specificity", "AUC")
    rows = tuple(
        (name, scored(one, "accuracy"), scored(one, "recall"), *_binary(one),
         str(one["count"]), str(one["groups"]))
        for name, one in strata.items()
    )  # fmt: skip
    return Table(
        title,
        (*columns, "pictures", "groups"),
        rows,
        "Sensitivity, specificity and AUC: tumor of any kind against none.",
    )


def leakage_table(dataset: str, leakage: Mapping[str, Any]) -> Table:
    """The official test beside what is free of leaks."""
    words = {
        "official": "all of the official test pictures",
        "shared": "of them, those whose patient or near-copy was trained on",
        "apart": "of them, those free of leaks",
    }
    strata = {words[side]: leakage[side] for side in words if leakage[side]}
    table = strata_table(f"What leakage is worth: {dataset}", "pictures of", strata)
    note = f"{leakage['trained_on']} of them were trained on themselves."
    if leakage["unknown"]:
        note += f" {leakage['unknown']} that the split does not name are left out."
    return Table(table.title, table.columns, table.rows, note)


def comparison_table(comparison: Mapping[str, Any]) -> Table:
    """Two models side by side."""
    names = {"accuracy": "accuracy", "recall": "macro recall", "auc": "AUC, tumor against none"}
    rows = tuple(
        (names[name], figure(one["ours"]), figure(one["theirs"]),
         figure(one["difference"], one["interval"]), NONE if one["p"] is None else _p(one["p"]))
        for name, one in comparison["differences"].items()
    )  # fmt: skip
    note = (
        f"McNemar's exact test: {comparison['only_ours']} pictures only this model names rightly, "
        f"{comparison['only_theirs']} only the other; p {_p(comparison['mcnemar_p'])}. "
        "The intervals and their p are by patient."
    )
    other = comparison["against"]
    return Table(
        f"Against {other['name']} {other['version']}{beside(other)}",
        ("score", "this model", "the other", "difference", "p"),
        rows,
        note,
    )


def check_tables(record: Mapping[str, Any]) -> list[Table]:
    """Every standing check of an evaluation that could be measured."""
    makers: Mapping[str, Callable[[Any], Table]] = {
        "same_heads": _same_heads,
        "painted_over": _painted_over,
        "surroundings": _surroundings,
        "healthy": _healthy,
        "localisation": _localisation,
        "outlines": _outlines,
    }
    checks = record.get("checks") or {}
    return _named(record, [makers[name](found) for name, found in checks.items() if found])


def checks_left_out(checks: Mapping[str, Any]) -> list[str]:
    """The titles of those that the data held nothing for."""
    return [CHECK_TITLES[name] for name, found in checks.items() if not found]


def _same_heads(rows: Sequence[Mapping[str, Any]]) -> Table:
    names = ("sensitivity", "specificity", "auc", "specificity_at_90")
    return Table(
        CHECK_TITLES["same_heads"],
        ("source", "sequence", "trained on", "sensitivity", "specificity", "AUC",
         "specificity at sensitivity 0.90", "slices with / without", "heads"),
        tuple(
            (row["source"], row["sequence"], "yes" if row["seen_in_training"] else "no",
             *(scored(row, name) for name in names),
             f"{row['with_tumor']} / {row['without_tumor']}", str(row["heads"]))
            for row in rows
        ),
        "The scanner, the sequence and the head are the same on both sides: only the tumor "
        "differs. Trained on: whether other patients of this source were in the training.",
    )  # fmt: skip


def _painted_over(found: Mapping[str, Any]) -> Table:
    names = ("drop", "drop_elsewhere", "changed", "changed_elsewhere")
    note = "Of pictures called tumor. The first and third should be high, the others near 0."
    if free := found.get("without_tumor"):
        note += (
            f" Painting upon {free['count']} slices rightly called free of tumor turned "
            f"{figure(free['changed'], free['interval'])} of them into tumors."
        )
    return Table(
        CHECK_TITLES["painted_over"],
        ("data set", "fall of P(tumor)", "the same, painted elsewhere",
         "answers changed to no tumor", "the same, painted elsewhere", "pictures"),
        tuple(
            (row["dataset"], *(scored(row, name) for name in names), str(row["count"]))
            for row in found["rows"]
        ),
        note,
    )  # fmt: skip


def _surroundings(rows: Sequence[Mapping[str, Any]]) -> Table:
    return Table(
        CHECK_TITLES["surroundings"],
        ("shown", "data set", "AUC, tumor against none", "accuracy", "chance", "pictures"),
        tuple(
            (row["shown"], row["dataset"], scored(row, "auc"), scored(row, "accuracy"),
             figure(row["chance"]), str(row["count"]))
            for row in rows
        ),
        "Near 0.5 and near chance is good. Over several data sets together the outline also "
        "tells the data set and the plane; the regression, trained on 16x16 outlines alone, says "
        "how much the data give away to whoever wants to take it.",
    )  # fmt: skip


def _healthy(found: Mapping[str, Any]) -> Table:
    rows = tuple(
        (one["name"], figure(one["right"]), str(one["slices"]), one["answer"],
         figure(one["tumor_probability"]))
        for one in found["volumes"]
    )  # fmt: skip
    total = ("all", figure(found["right"]), str(found["slices"]), "", "")
    return Table(
        CHECK_TITLES["healthy"],
        ("volume", "slices called free of tumor", "slices", "answer", "P(tumor)"),
        (*rows, total),
    )


def _localisation(rows: Sequence[Mapping[str, Any]]) -> Table:
    names = ("pointing", "pointing_15", "iou")
    return Table(
        CHECK_TITLES["localisation"],
        ("method", "data set", "pointing game", "within 15 pixels", "IoU", "pointing by chance",
         "pictures"),
        tuple(
            (row["method"], row["dataset"], *(scored(row, name) for name in names),
             figure(row["chance"]), str(row["count"]))
            for row in rows
        ),
        "Heatmaps of the class that is there, on prepared pictures of 224 pixels; IoU of the "
        "heatmap where it is at least 0.5.",
    )  # fmt: skip


def _outlines(found: Mapping[str, Any]) -> Table:
    false = {row["dataset"]: figure(row["false"], row["interval"]) for row in found["false"]}
    return Table(
        CHECK_TITLES["outlines"],
        ("data set", "class", "Dice", "missed", "Dice of all pixels together", "pictures"),
        tuple(
            (row["dataset"], row["label"], figure(row["dice"], row["dice_interval"]),
             figure(row["missed"]), figure(row["pooled_dice"]), str(row["count"]))
            for row in found["dice"]
        ),
        "Mean over pictures with a tumor, 0 where it was missed, on prepared pictures. Tumor-free "
        "pictures with a false outline: "
        + "; ".join(f"{name} {share}" for name, share in false.items()) + ".",
    )  # fmt: skip


def _binary(scores: Mapping[str, Any]) -> list[str]:
    intervals = (scores.get("intervals") or {}).get("binary")
    record = (scores["binary"] or {}) | {"intervals": intervals}
    return [scored(record, key) for key in ("sensitivity", "specificity", "auc")]


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
