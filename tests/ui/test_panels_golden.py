"""Pictures as text. After a wanted change run ``GOLDEN=write pytest tests/ui/test_panels_golden.py`` and read the diff."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
import scenes

from k8s_tutor.ui.design import Design, picture
from k8s_tutor.ui.frame import frame, inside
from k8s_tutor.ui.panels import PANELS
from k8s_tutor.ui.rows import text_of

FOLDER = Path(__file__).parent / "golden"

SIZES = {
    "80x24": {"half": (40, 9), "main": (48, 13), "whole": (80, 20)},
    "120x36": {"half": (60, 14), "main": (78, 20), "whole": (120, 32)},
    "160x50": {"half": (60, 18), "main": (100, 24), "whole": (160, 44)},
}
"""Terminal → sizes of frames that its layouts have."""


class Cause(NamedTuple):
    """A cause as the inspector takes it."""

    at: int
    words: str
    target: str = ""


WHY = (
    Cause(3_100_000, "you typed: create configmap topping --from-literal=choice=olives"),
    Cause(3_207_000, "you → api-1  POST /api/v1/namespaces/default/configmaps"),
    Cause(3_209_000, "api-1 → etcd-1  put /registry/configmaps/default/topping"),
    Cause(3_216_000, "etcd-1 → etcd-3  AppendEntries 5"),
)

DRAWN = {
    "committee": ("pizza", "election", "split", "pizza9", "joint"),
    "control_plane": ("pizza", "cluster"),
    "workers": ("cluster", "cluster100"),
    "orchestra": ("cluster",),
    "rooms": ("split", "split-raft"),
    "wire": ("pizza", "cluster"),
    "log": ("pizza", "cluster"),
    "service": ("cluster",),
    "verdicts": ("cluster", "decided"),
    "queues": ("working",),
    "desired": ("working",),
    "timeline": ("pizza",),
    "trace": ("traced",),
    "console": ("pizza",),
    "inspector": ("pizza", "cluster"),
}
SELECTED = {
    "verdicts": {"decided": "verdict default/brass-5d9c6b7f4-fx7k7 node-1"},
    "inspector": {"pizza": "message 803", "cluster": "default/brass-5d9c6b7f4-cx7k4"},
}


def drawn(panel: str, mode: str, sizes: dict[str, tuple[int, int]], ascii_only: bool = False) -> str:
    parts = []
    for name in DRAWN[panel]:
        for wide, high in sizes.values():
            scene = replace(scenes.SCENES[name](), mode=mode, ascii=ascii_only, selected=SELECTED.get(panel, {}).get(name, ""))
            if panel == "inspector" and name == "pizza":
                scene = replace(scene, why=WHY)
            picture = PANELS[panel](scene, *inside(wide, high))
            rows = frame(picture, wide, high, ascii_only=ascii_only)
            parts.append(f"{name} {wide}x{high}\n" + "\n".join(text_of(row).rstrip() for row in rows))
    return "\n\n".join(parts) + "\n"


def compare(name: str, text: str) -> None:
    path = FOLDER / f"{name}.txt"
    if os.environ.get("GOLDEN") == "write":
        FOLDER.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.is_file(), f"{path} is missing: run with GOLDEN=write"
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("terminal", sorted(SIZES))
@pytest.mark.parametrize("panel", sorted(DRAWN))
def test_panel_on_the_stage(panel: str, terminal: str) -> None:
    compare(f"{panel}-{terminal}", drawn(panel, "stage", SIZES[terminal]))


@pytest.mark.parametrize("panel", sorted(DRAWN))
def test_panel_on_the_projector(panel: str) -> None:
    sizes = {"80x24": (80, 16), "120x36": (120, 26), "60x20": (60, 12)}
    compare(f"{panel}-projector", drawn(panel, "projector", sizes))


DESIGNS = {
    "five in two rooms": Design(),
    "five in three rooms": Design((0, 0, 1, 1, 2), 3, 4),
    "nine, naive": Design((0, 0, 0, 0, 1, 1, 1, 1, 1), 2, 2, whole=True, rule="naive"),
}
"""Committees on paper."""


@pytest.mark.parametrize("terminal", sorted(SIZES))
def test_designs_on_paper(terminal: str) -> None:
    wide, high = SIZES[terminal]["whole"]
    parts = []
    for name, design in DESIGNS.items():
        drawn = picture(design, scenes.COMMITTEE, min(110, wide - 4) - 4, high - 7)
        rows = "\n".join(text_of(row).rstrip() for row in drawn.rows)
        parts.append(f"{name} {wide}x{high}: {text_of(drawn.status)}\n{rows}")
    compare(f"designer-{terminal}", "\n\n".join(parts) + "\n")


@pytest.mark.parametrize("panel", ["committee", "workers", "rooms", "timeline"])
def test_panel_in_ascii(panel: str) -> None:
    compare(f"{panel}-ascii", drawn(panel, "stage", {"main": (78, 18)}, ascii_only=True))
