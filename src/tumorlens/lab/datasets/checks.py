"""What must hold in every data set, whatever its layout; checked before anything is trained."""

from collections.abc import Sequence

from PIL import Image as Pillow

from tumorlens.errors import DataError
from tumorlens.lab.datasets.example import PICTURE_SUFFIXES, TUMOR, Example
from tumorlens.lab.datasets.pixels import is_one_picture, read_mask, read_pixels
from tumorlens.labels import NO_TUMOR


def check_patients(examples: Sequence[Example]) -> None:
    """A patient may have slices with and without tumor, but not two kinds of tumor.

    Raises:
        DataError: A patient has two, which is a mistake in the labels or two patients of one
            name.
    """
    kinds: dict[tuple[str, str], dict[str, str]] = {}
    for example in examples:
        if example.patient is not None and example.label not in {NO_TUMOR, TUMOR}:
            first = kinds.setdefault((example.dataset, example.patient), {})
            first.setdefault(example.label, example.picture)
    twofold = [(key, found) for key, found in kinds.items() if len(found) > 1]
    if twofold:
        (dataset, patient), found = twofold[0]
        shown = ", ".join(f"{label} ({picture})" for label, picture in sorted(found.items()))
        raise DataError(
            expected="one kind of tumor a patient",
            found=f"{len(twofold)} with two labels, the first patient {patient}: {shown}",
            remedy="Mend the labels, or give two patients two names.",
            source=dataset,
        )


def check_outlines(examples: Sequence[Example]) -> None:
    """Every outline that is a picture has the size of its picture.

    Only the files' headers are read. Volumes and ``.mat`` files are checked by their readers.

    Raises:
        DataError: One has another size.
    """
    checked: dict[str, Example] = {e.picture: e for e in examples if e.mask and is_one_picture(e)}
    wrong = [example for example in checked.values() if not _same_size(example)]
    if wrong:
        pixels, mask = read_pixels(wrong[0]), read_mask(wrong[0])
        assert mask is not None
        raise DataError(
            expected="outlines of the same size as their pictures",
            found=f"{len(wrong)} of another size, the first {_size(mask.shape)} for a picture of "
            f"{_size(pixels.shape)} pixels",
            remedy="Download the data set again, or resize or delete the outline.",
            source=wrong[0].picture,
        )


def _same_size(example: Example) -> bool:
    """Whether the headers agree; else whether the pixels do (turned pictures, DICOM)."""
    assert example.mask is not None
    try:
        if example.path.suffix.lower() in PICTURE_SUFFIXES:
            with Pillow.open(example.path) as picture, Pillow.open(example.mask) as mask:
                if picture.size == mask.size:
                    return True
        outline = read_mask(example)
        return outline is not None and outline.shape == read_pixels(example).shape
    except (OSError, SyntaxError) as error:
        raise DataError(
            expected="pictures and outlines that can be read",
            found=str(error) or "a broken file",
            remedy="Download the data set again, or delete the file.",
            source=example.picture,
        ) from error


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} x {shape[0]}"
