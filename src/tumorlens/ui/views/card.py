"""The page that shows the model's card: what it is, what it was trained on, how good it is."""

import json

import streamlit as st

from tumorlens.card import Card
from tumorlens.ui import state
from tumorlens.ui.notices import kindly, plain
from tumorlens.ui.tables import data_rows, identity, score_tables


def show() -> None:
    """Draw the page."""
    st.title("Model card", anchor=False)
    with kindly():
        _show(state.chosen_model().card)


def _show(card: Card) -> None:
    facts = [{"what": name, "fact": fact} for name, fact in identity(card).items()]
    st.table(facts, hide_index=True, hide_header=True)
    st.caption(f"SHA-256 of the graph: {plain(card.sha256)}")
    if card.intended_use:
        st.header("Intended use", anchor=False)
        st.markdown(plain(card.intended_use))
    if card.limitations:
        st.header("Limitations", anchor=False)
        st.markdown("\n".join(f"- {plain(one)}" for one in card.limitations))
    if tables := list(score_tables(card)):
        st.header("Scores", anchor=False)
        if command := card.scores.get("command"):
            st.code(str(command), language="sh")
        for title, rows in tables:
            st.caption(title)
            st.table(rows, hide_index=True)
    if rows := data_rows(card):
        st.header("Data", anchor=False)
        st.table(rows, hide_index=True)
    if card.training:
        with st.expander("How it was trained"):
            st.json(dict(card.training))
    st.download_button(
        "card.json",
        json.dumps(card.to_json(), indent=2, ensure_ascii=False),
        "card.json",
        "application/json",
        on_click="ignore",
        icon=":material/download:",
    )


if __name__ == "__main__":
    show()
