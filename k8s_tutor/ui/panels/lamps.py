"""The lamps: one for each promise that consensus makes, green as long as it has held; red, with the way to what broke it. And
one for each rule of the network, as it is kept at this moment.
"""

from __future__ import annotations

from k8s_tutor.cluster.views import LampView
from k8s_tutor.ui.draw import Canvas
from k8s_tutor.ui.panels.panel import picked
from k8s_tutor.ui.scene import Scene

_SHORT = {
    "election safety": "elections",
    "leader append-only": "append-only",
    "log matching": "logs match",
    "leader completeness": "completeness",
    "state-machine safety": "state machines",
}
"""Names of the lamps where cells are few."""


def target_of(lamp: LampView) -> str:
    """How a lamp is named when it is selected."""
    return f"lamp {lamp.property}"


def lamp_at(scene: Scene, target: str) -> LampView | None:
    """The lamp with that name."""
    return next((lamp for lamp in scene.view.raft.invariants if target_of(lamp) == target), None)


def broken(scene: Scene) -> list[LampView]:
    """The red ones, in the order in which they broke."""
    return sorted((lamp for lamp in scene.view.raft.invariants if not lamp.ok), key=lambda lamp: lamp.broken_at_event)


def draw_lamps(canvas: Canvas, scene: Scene, row: int, width: int) -> bool:
    """All lamps in one row, with names as long as fit; False when there are none, or no room."""
    lamps = scene.view.raft.invariants
    if not lamps or row >= canvas.height:
        return False
    ways = ([lamp.property for lamp in lamps], [_SHORT.get(lamp.property, lamp.property) for lamp in lamps])
    names = next((way for way in ways if sum(map(len, way)) + 5 * len(way) - 3 <= width), None)
    if names is None:
        return _few(canvas, scene, row, width)
    gap = 3 if sum(map(len, names)) + 5 * len(names) - 3 <= width else 2
    column = 0
    for lamp, name in zip(lamps, names, strict=True):
        target = target_of(lamp)
        role = "ok" if lamp.ok else "fail"
        canvas.spot(row, column, len(name) + 2, target)
        column = canvas.put(row, column, "●" if lamp.ok else "✗", role) + 1
        column = canvas.put(row, column, name, picked(scene, target, "dim" if lamp.ok else "fail+bold")) + gap
    return True


def _few(canvas: Canvas, scene: Scene, row: int, width: int) -> bool:
    """Only marks, and the name of the first that is red."""
    lamps = scene.view.raft.invariants
    if width < len(lamps) * 2 + 8:
        return False
    column = canvas.put(row, 0, "safety ", "dim")
    for lamp in lamps:
        target = target_of(lamp)
        canvas.put(row, column, "●" if lamp.ok else "✗", picked(scene, target, "ok" if lamp.ok else "fail"))
        canvas.spot(row, column, 1, target)
        column += 2
    red = broken(scene)
    said = red[0].property if red else "all kept"
    if column + len(said) < width:
        canvas.put(row, column, said, "fail+bold" if red else "dim")
    return True


def rule_target(name: str) -> str:
    """How the lamp of a rule of the network is named when it is selected."""
    return f"rule {name}"


def draw_rules(canvas: Canvas, scene: Scene, row: int, width: int) -> bool:
    """The rules of the network in one row; False when they are not known, or there is no room."""
    rules = scene.rules
    names = [rule.name for rule in rules]
    if not rules or row >= canvas.height or sum(map(len, names)) + 4 * len(names) - 2 > width:
        return False
    column = 0
    for rule in rules:
        target, untested = rule_target(rule.name), rule.ok and not rule.tested
        mark, role = ("○", "dim") if untested else ("●", "ok") if rule.ok else ("✗", "fail")
        canvas.spot(row, column, len(rule.name) + 2, target)
        column = canvas.put(row, column, mark, role) + 1
        column = canvas.put(row, column, rule.name, picked(scene, target, "dim" if rule.ok else "fail+bold")) + 2
    shut = sum(rule.shut for rule in rules)
    if shut and column + 22 <= width:
        canvas.put(row, column + 1, f"{shut} shut by policy", "warn")
    return True
