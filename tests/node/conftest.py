"""Tests of the node use the small cluster of `tests/components`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "components"))
