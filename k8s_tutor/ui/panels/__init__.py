"""The panels: pure functions from a scene to a picture, by id."""

from __future__ import annotations

from k8s_tutor.ui.panels import (
    committee,
    console,
    control_plane,
    desired,
    inspector,
    log,
    orchestra,
    queues,
    rooms,
    service,
    storage,
    timeline,
    trace,
    verdicts,
    walk,
    wire,
    workers,
)
from k8s_tutor.ui.scene import Render

PANELS: dict[str, Render] = {
    "committee": committee.render,
    "control_plane": control_plane.render,
    "workers": workers.render,
    "orchestra": orchestra.render,
    "stage_map": orchestra.render,
    "rooms": rooms.render,
    "wire": wire.render,
    "log": log.render,
    "service": service.render,
    "verdicts": verdicts.render,
    "queues": queues.render,
    "desired": desired.render,
    "storage": storage.render,
    "trace": trace.render,
    "walk": walk.render,
    "timeline": timeline.render,
    "console": console.render,
    "inspector": inspector.render,
}
"""Panel id → its function. Ids are the words that lessons and the palette use; each draws for ``Scene.mode`` too."""
