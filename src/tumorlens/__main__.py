"""``python -m tumorlens`` is ``tumorlens``; so is ``torchrun ... -m tumorlens``."""

from tumorlens.cli import main

main()
