"""The MR sequence, guessed from names by the field's conventions."""

import re

_SEQUENCE = r"(?:t[12][a-z]*|flair)"
_ONTO = re.compile(
    rf"(?<![a-z0-9]){_SEQUENCE}.*[^a-z0-9]"
    rf"((?:to|onto|into|in)[^a-z0-9]*{_SEQUENCE})(?![a-z0-9])"
)
_BIDS_SPACE = re.compile(r"(?<=_)space-(?:t[12]w?|flair)(?![a-z0-9])")
_DARK = r"(?:flair|dark.?fluid|(?<![a-z])da.?fl(?![a-z]))"
_FLAIR = re.compile(rf"{_DARK}|(?<![a-z0-9])t2f(?![a-z])")
_WAYS = r"(?:ax|tra|sag|cor|obl|tirm?|ir|tse|fse|se|prop|blade|[23]d|spc|cube)[a-z]*"
_T1_FLAIR = re.compile(
    rf"(?<![a-z0-9])t1w?(?:[^a-z0-9]+{_WAYS})*[^a-z0-9]*{_DARK}"
    r"|(?<![a-z0-9])t1w?(?![a-z0-9])(?:(?!t2).)*dark.?fluid|^sub-.*_t1w(?:\.|$)"
)
"""T1 with dark fluid (``Sag T1 FLAIR`` of GE, ``t1_tirm_tra_dark-fluid`` of Siemens): read like any
T1, edema is not bright in it."""
_OTHER = re.compile(r"t2.?star|t2\*|(?<![a-z])(swi|dwi|adc|gre|dti|dsc|asl|bold|tof)(?![a-z])")
_T2 = re.compile(r"(?<![a-z0-9])t2w?(?![a-z0-9])")
_T1 = re.compile(
    r"(?<![a-z0-9])(t1[nw]?|ct1(?=[.]|$)|t1w?(ce|c|gd|gad|km|post)|mp2?rage|t1mprage|spgr|fspgr|bravo)(?![a-z0-9])"
)
_CONTRAST = re.compile(
    r"(?<![a-z0-9])(ct1(?=[.]|$)|t1w?(ce|c|gd|gad|km|post)|ce|c|gd|gad|gado|gadolinium|km|post|"
    r"contrast|postcontrast|enhanced)(?![a-z0-9])"
)
_NO_CONTRAST = re.compile(
    r"(?<![a-z0-9])(pre|native|non|no|without|w.?o)[^a-z0-9]*(?=contrast|gd|gad|ce|c(?![a-z])|km|$)"
)


def without_target(name: str) -> str:
    """A name in lower case, without the sequence that it says the scan was registered to.

    >>> without_target("flair_to_T1.nii.gz")
    'flair_.nii.gz'
    """
    name = name.lower()
    if onto := _ONTO.search(name):
        # Initials, too, may stand before a sequence: TO_flair.
        name = name[: onto.start(1)] + name[onto.end() :]
    # Elsewhere "space" is a way to take pictures: t2_space-flair.
    return _BIDS_SPACE.sub("", name) if name.startswith("sub-") else name


def guess_sequence(name: str, *, contrast: bool = False) -> str | None:
    """The sequence that a file name or a series description speaks of.

    >>> guess_sequence("BraTS2021_00006_t1ce.nii.gz")
    't1c'
    >>> guess_sequence("Ax T1 SE", contrast=True)
    't1c'
    >>> guess_sequence("SAG_T1_FLAIR.nii.gz")
    't1'

    Args:
        name: A file name (``sub-01_T1w.nii.gz``, ``case-t2f.nii``) or a series description.
        contrast: Whether a contrast agent is known to have been given; turns ``t1`` into
            ``t1c``.

    Returns:
        ``"t1"``, ``"t1c"``, ``"t2"``, ``"flair"``, or None where the name says nothing.
    """
    name = without_target(name)
    is_t1_flair = _T1_FLAIR.search(name)
    if _FLAIR.search(name) and not is_t1_flair:
        return "flair"
    if _OTHER.search(name):
        return None
    if is_t1_flair or _T1.search(name):
        enhanced = contrast or _CONTRAST.search(name)
        return "t1c" if enhanced and not _NO_CONTRAST.search(name) else "t1"
    return "t2" if _T2.search(name) else None
