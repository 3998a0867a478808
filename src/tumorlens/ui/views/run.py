"""The page that shows a training run: loss and accuracy against epochs, and its pictures."""

import streamlit as st

from tumorlens.ui import state
from tumorlens.ui.charts import draw_history
from tumorlens.ui.folders import open_folder
from tumorlens.ui.notices import kindly
from tumorlens.ui.run_folder import ACCURACY, LOSS, Run, read_run


def show() -> None:
    """Draw the page."""
    st.title("Training run", anchor=False)
    with kindly():
        text = st.text_input(
            "Run folder",
            key="run folder",
            placeholder="runs/default",
            help="The folder that was named by tumorlens train --run; it may still be running.",
        )
        if text.strip():
            _show(read_run(open_folder(text, root=state.settings().folders)))
        else:
            st.markdown("Name a run folder to see its loss and accuracy curves and its pictures.")


def _show(run: Run) -> None:
    epochs, best, time = st.columns(3)
    epochs.metric("Epochs", len(run.epochs))
    if row := run.best():
        best.metric("Lowest validation loss", f"{row['validation_loss']:.4f}")
        best.caption(f"in epoch {row['epoch']:.0f}")
    time.metric("Hours", f"{sum(row.get('seconds', 0.0) for row in run.epochs) / 3600:.1f}")
    left, right = st.columns(2, gap="large")
    left.altair_chart(draw_history(run.epochs, LOSS, quantity="loss"), alt="Loss against epochs")
    right.altair_chart(
        draw_history(run.epochs, ACCURACY, quantity="accuracy"), alt="Accuracy against epochs"
    )
    with st.expander("All numbers"):
        st.dataframe(list(run.epochs), hide_index=True)
    for name, picture in run.pictures.items():
        st.image(picture, caption=name)


if __name__ == "__main__":
    show()
