"""The panels: pure functions from a scene to a picture, by id."""

from __future__ import annotations

from k8s_tutor.ui.scene import Render

PANELS: dict[str, Render] = {}
"""Panel id → its function. Ids are the words that lessons and the palette use."""
