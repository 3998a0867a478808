"""``python -m tumorlens.cli`` is ``tumorlens``."""

from tumorlens.cli import main

main()
