"""The panels: pure functions from a scene to a picture, by id."""

from __future__ import annotations

from k8s_tutor.ui.panels import committee, console, log, timeline, wire, workers
from k8s_tutor.ui.scene import Render

PANELS: dict[str, Render] = {
    "committee": committee.render,
    "workers": workers.render,
    "wire": wire.render,
    "log": log.render,
    "timeline": timeline.render,
    "console": console.render,
}
"""Panel id → its function. Ids are the words that lessons and the palette use."""
