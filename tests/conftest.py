"""What holds for all tests."""

from __future__ import annotations

import pytest

from k8s_tutor.api.server import ApiServer


@pytest.fixture(autouse=True)
def mistakes_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """An API server that makes a mistake stops the test, instead of answering with 500."""
    monkeypatch.setattr(ApiServer, "forgiving", False)
