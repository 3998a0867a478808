"""The pages of the app, one module each; Streamlit runs a page's file as a script."""
