"""The app as Streamlit Community Cloud runs it: anybody may visit, within 1 GB of memory.

Visitors may open the folders of this repository (its runs and models), and no other.
"""

from pathlib import Path

from tumorlens.ui.app import main
from tumorlens.ui.settings import Settings

ROOT = Path(__file__).parent

main(Settings(folders=ROOT, examples=ROOT / "examples"))
