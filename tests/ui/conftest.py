"""The learner's files of a test are its own."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is kept beside the test's other files."""
    monkeypatch.setenv("K8S_TUTOR_DATA", str(tmp_path / "data"))
