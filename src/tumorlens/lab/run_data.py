"""What a run learns from: its pictures, grouped, and which of them train and validate."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from tumorlens.errors import ConfigError, DataError
from tumorlens.lab.audited_groups import audited_pairs
from tumorlens.lab.config import Config
from tumorlens.lab.datasets import Example, load_examples
from tumorlens.lab.datasets.passed_over import passed_over
from tumorlens.lab.fingerprints import fingerprint
from tumorlens.lab.grouping import group_near_duplicates, join_groups
from tumorlens.lab.leaks import checked_split, recorded_split
from tumorlens.lab.pictures import Pictures, load_pictures
from tumorlens.lab.progress import Progress, silent
from tumorlens.lab.protocols import leave_one_source_out
from tumorlens.lab.seen import Earlier, built_upon, find_seen
from tumorlens.lab.splitting import (
    OFFICIAL,
    SPLIT_FILE,
    Split,
    official_split,
    split_by_group,
    thin,
)


def load_run_data(
    config: Config,
    data: Path,
    run: Path,
    *,
    allow_leaks: bool = False,
    progress: Progress = silent,
    on_passed_over: Callable[[Sequence[Path]], None] = silent,
    on_unsure: Callable[[str], None] = silent,
) -> tuple[Pictures, Split]:
    """The pictures with their groups, and which of them train and validate.

    Args:
        config: The run's settings.
        data: A data set's folder, or one that holds several.
        run: The run folder, where a split that leaks finds its repaired one.
        allow_leaks: Take over a split that has a patient or a picture on both sides.
        progress: Called with (done, total) while pictures are read.
        on_passed_over: Told the picture files that are in no class of a data set, once.
        on_unsure: Told in one line what could not be checked, or contradicts itself.

    Raises:
        ConfigError: Leaks are allowed where the split is cut anew.
        DataError: The data cannot be used, a class has no training picture or none in which
            something is to be seen, or an earlier run that this one builds upon (first weights,
            teachers) saw what validates or is left out now.
    """
    if allow_leaks and not config.data.split:
        raise ConfigError(
            expected="a split that may leak, as data.split",
            found="none: a split that is cut anew has no leaks to allow",
            remedy="Leave out --allow-leaks, or give data.split (a split.csv, or official).",
            source="--allow-leaks",
        )
    examples = load_examples(data, only=config.data.datasets)
    on_passed_over(passed_over(data, examples, only=config.data.datasets))
    _check_names(examples)
    pictures = load_pictures(examples, config.preparation.build(), progress=progress)
    _check_shown(pictures)
    pictures = replace(pictures, examples=_grouped(config, pictures, on_unsure))
    _tell_contradictions(pictures, on_unsure)
    split = _split(config, pictures.examples, run, allow_leaks)
    _refuse_seen(config, pictures, split, on_unsure)
    _check_classes(pictures.examples, split)
    _tell_unmeasured(pictures.examples, split, on_unsure)
    return pictures, thin(pictures.examples, split, config.data.keep)


def _check_shown(pictures: Pictures) -> None:
    """A class in whose pictures nothing is to be seen would be absent in silence."""
    shown = {example.label for example in pictures.examples}
    if unseen := Counter(e.label for e in pictures.blank if e.label not in shown):
        named = ", ".join(f"{label} ({count} pictures)" for label, count in unseen.items())
        raise DataError(
            expected="pictures of every class in which something is to be seen",
            found=f"hardly any contrast in all of {named}",
            remedy="Export them again, with grey levels from 0 to 255 or values from 0 to 1.",
            source="data",
        )


def _check_names(examples: Sequence[Example]) -> None:
    """Names of classes and data sets stand in the model's card, which is UTF-8."""
    names = {name for one in examples for name in (one.label, one.dataset)}
    if foreign := sorted(name for name in names if not _is_text(name)):
        raise DataError(
            expected="folders of classes and data sets whose names are UTF-8",
            found=", ".join(map(ascii, foreign)),
            remedy="Rename them: they were probably unpacked in another encoding.",
            source="data",
        )


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _tell_contradictions(pictures: Pictures, on_unsure: Callable[[str], None]) -> None:
    """The very same picture under two classes teaches nothing, and one of them is wrong."""
    labels: dict[str, set[str]] = {}
    for one in pictures.examples:
        labels.setdefault(one.group, set()).add(one.label)
    looks: dict[str, list[Example]] = {}
    for one, pixels in zip(pictures.examples, pictures.pixels, strict=True):
        if len(labels[one.group]) > 1:
            looks.setdefault(fingerprint(pixels), []).append(one)
    found = [same for same in looks.values() if len({one.label for one in same}) > 1]
    if found:
        other = next(one for one in found[0] if one.label != found[0][0].label)
        on_unsure(
            f"the same picture stands under two classes, {len(found)} of them, the first "
            f"{found[0][0].picture} and {other.picture}: `tumorlens audit` lists them"
        )


def _grouped(
    config: Config, pictures: Pictures, on_unsure: Callable[[str], None]
) -> tuple[Example, ...]:
    """The examples with their final groups: near-duplicates tied, and what an audit has tied."""
    grouped = group_near_duplicates(pictures.examples, pictures.thumbnails)
    if config.data.groups:
        pairs, named = audited_pairs(grouped, Path(config.data.groups))
        grouped = join_groups(grouped, pairs)
        if named < len(grouped):
            on_unsure(
                f"{config.data.groups} names {named} of the {len(grouped)} pictures: the others "
                "are tied as training ties them by itself"
            )
    return tuple(grouped)


def _split(config: Config, examples: Sequence[Example], run: Path, allow_leaks: bool) -> Split:
    """The parts, cut or taken over."""
    if config.data.split == OFFICIAL:
        return checked_split(
            examples,
            official_split(examples),
            run=run,
            allow_leaks=allow_leaks,
            source=f"data.split = {OFFICIAL}",
        )
    if config.data.split:
        recorded = Path(config.data.split)
        return recorded_split(examples, recorded, run=run, allow_leaks=allow_leaks)
    return _cut(config, examples)


def _check_classes(examples: Sequence[Example], split: Split) -> None:
    """A class that nothing teaches would be named all the same, at random."""
    taught = {examples[index].label for index in split.training}
    if untaught := Counter(e.label for e in examples if e.label not in taught):
        named = ", ".join(f"{label} ({count} pictures)" for label, count in untaught.items())
        raise DataError(
            expected="training pictures of every class",
            found=f"none of {named}: all validate, are left out, or are named by no part",
            remedy="Give another split or fold, leave another source out, or take the class away.",
            source="data",
        )


def _tell_unmeasured(
    examples: Sequence[Example], split: Split, on_unsure: Callable[[str], None]
) -> None:
    """Scores are means over the classes that validate: one that is absent is not counted."""
    held = {examples[index].label for index in split.validation}
    if absent := sorted({examples[index].label for index in split.training} - held):
        on_unsure(
            f"no validation picture of {', '.join(absent)}: no score, set or temperature says "
            "anything of it"
        )


def _refuse_seen(
    config: Config, pictures: Pictures, split: Split, on_unsure: Callable[[str], None]
) -> None:
    """What the run builds upon must not have learnt from what is held out now."""
    examples = pictures.examples
    held = list(split.validation)
    if config.data.leave_out:
        held += leave_one_source_out(examples, config.data.leave_out).validation
    for earlier in built_upon(config):
        prepared = pictures.pixels, config.preparation.build()
        seen = find_seen(earlier.run, examples, held, prepared=prepared)
        if seen.pictures:
            raise DataError(
                expected="an earlier run that never saw the pictures held out",
                found=f"{len(seen.pictures)} of patients it was trained on, the first "
                f"{examples[seen.pictures[0]].picture}",
                remedy="Train both with the same data.split "
                f"(such as {(earlier.run / SPLIT_FILE).as_posix()}) or the same data.leave_out.",
                source=earlier.setting,
            )
        if seen.unknown:
            named = _named(earlier, [examples[index] for index in seen.unknown])
            _refuse_named(earlier, named, config.data.leave_out)
            told = f"; it learnt from pictures of {', '.join(named)}" if named else ""
            on_unsure(
                f"{earlier.setting}: cannot tell whether {earlier.given} saw these pictures, "
                f"{len(seen.unknown)} of the {len(held)} held out: {seen.why}{told}"
            )


def _named(earlier: Earlier, examples: Sequence[Example]) -> list[str]:
    """The data sets of these pictures that stand in the card of an earlier model."""
    card = earlier.card
    return sorted({one.dataset for one in examples} & {*card.learnt_from}) if card else []


def _refuse_named(earlier: Earlier, named: Sequence[str], left_out: Sequence[str]) -> None:
    """A source is not left out where its name stands in the card of what the run begins from."""
    if learnt := [name for name in left_out if name in named]:
        raise DataError(
            expected=f"a model that never learnt from {', '.join(learnt)}, which is left out",
            found=f"{earlier.given}, whose card names it",
            remedy="Begin from other weights, or leave another source out.",
            source=earlier.setting,
        )


def _cut(config: Config, examples: Sequence[Example]) -> Split:
    """Training and validation part of all sources, or of all but those left out."""
    kept = tuple(range(len(examples)))
    if config.data.leave_out:
        kept = leave_one_source_out(examples, config.data.leave_out).training
    inner = split_by_group(
        [examples[index] for index in kept],
        folds=config.data.folds,
        fold=config.data.validation_fold,
        seed=config.training.seed,
    )
    return Split(
        tuple(kept[index] for index in inner.training),
        tuple(kept[index] for index in inner.validation),
    )
