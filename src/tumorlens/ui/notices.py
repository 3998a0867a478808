"""What is always said, and how something wrong is told: never with a stack trace."""

import html
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from tumorlens.errors import TumorlensError
from tumorlens.notice import NOTICE
from tumorlens.reporting.wording import printable

_STYLE = """
<style>
.st-key-notice {
  position: fixed; inset: auto 0 0 0; z-index: 1000001; padding: 0.4rem 1rem;
  background: #5b3a00; color: #fff3d6; font-size: 0.85rem; line-height: 1.35; text-align: center;
}
[data-testid="stMainBlockContainer"] { padding: 3rem 2rem 6rem; }
section[data-testid="stSidebar"] > div { padding-bottom: 6rem; }
</style>
"""


def show_notice() -> None:
    """A bar at the window's lower edge that stays there whatever is scrolled or opened."""
    with st.container(key="notice"):
        st.html(f'<div role="note">{html.escape(NOTICE)}</div>{_STYLE}')


def show_error(error: TumorlensError) -> None:
    """Tell what was expected, what was found and what to do."""
    about = f"**{plain(error.source)}**\n\n" if error.source else ""
    st.error(
        f"{about}Expected {plain(error.expected)}.\n\nFound {plain(error.found)}.\n\n"
        f"{plain(error.remedy)}",
        icon=":material/error:",
    )


@contextmanager
def kindly() -> Iterator[None]:
    """Show a `TumorlensError` as a message in the place where the page stands, and go on."""
    try:
        yield
    except TumorlensError as error:
        show_error(error)


def plain(text: str) -> str:
    r"""Text of which Markdown makes nothing, such as a file name with ``*`` in it."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()#+-.!|~$<>:&" else c for c in printable(text))
