"""The lab makes models: data, networks, training, evaluation. PyTorch lives here and nowhere else.

Nothing in the runtime imports this package; install it with ``pip install 'tumorlens[lab]'``.
"""
