"""The Streamlit app: scans in, explained answers out, in a browser.

Needs the extra ``[ui]``. ``app.py`` is what Streamlit runs, ``views/`` holds one page a module; the
modules beside them (`inputs`, `session`, `pictures`, `charts`, `tables`, ...) are plain functions
that know nothing of Streamlit's widgets and are tested without a browser. Uploads stay in the
memory of their session. PyTorch is not needed; the audit asks for the lab when it is opened.
"""
