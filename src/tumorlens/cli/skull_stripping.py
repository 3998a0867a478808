"""The option ``--skull-strip``, the same in every verb that has it."""

from typing import TYPE_CHECKING, Annotated

import typer

from tumorlens.errors import ConfigError

if TYPE_CHECKING:
    from tumorlens.model import Model

SkullStrip = Annotated[
    str | None,
    typer.Option(
        "--skull-strip",
        metavar="METHOD",
        help="Take the skull off first: radial (single slices; built in), hd-bet or "
        "brainextractor (volumes; pip install 'tumorlens[skullstrip]'), or none.  "
        "[default: as the model or the config says]",
    ),
]


def choose(model: "Model", method: str | None) -> "Model":
    """The model as the option wants it.

    Raises:
        ConfigError: There is no such method.
    """
    return model if method is None else model.with_skull_strip(method)


def chosen_method(method: str | None) -> str | None:
    """The option as a name in `SKULL_STRIPPERS`; None where the skull stays on.

    Raises:
        ConfigError: There is no such method.
    """
    from tumorlens.preparation import LEFT_ON
    from tumorlens.preparation.skull_stripping import stripper

    if method in (None, LEFT_ON):
        return None
    stripper(method)
    return method


def choose_for_slices(model: "Model", method: str | None) -> "Model":
    """The same for what sees single slices only.

    Raises:
        ConfigError: There is no such method, or it, or the model's own, takes volumes.
    """
    from tumorlens.preparation import LEFT_ON, SKULL_STRIPPERS, strips_volumes

    chosen = choose(model, method)
    if strips_volumes(chosen.card.preparation.skull_strip):
        names = [name for name in SKULL_STRIPPERS if not strips_volumes(name)]
        raise ConfigError(
            expected=f"one of {', '.join(names)}, {LEFT_ON}: data sets are read slice by slice",
            found=str(chosen.card.preparation.skull_strip),
            remedy="Choose one of them.",
            source="--skull-strip",
        )
    return chosen
