"""`pytest tests/raft/test_transcripts.py --regenerate` writes the transcripts' outputs anew."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regenerate", action="store_true", help="write the outputs of tests/raft/*.txt as they are now")
