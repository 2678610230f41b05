"""Services: one virtual address in front of pods that come and go."""

from __future__ import annotations

from k8s_tutor.cluster.views import EndpointView, ServiceView
from k8s_tutor.ui.draw import Canvas, shorten, squeeze
from k8s_tutor.ui.panels.lamps import draw_rules
from k8s_tutor.ui.panels.panel import panel, picked
from k8s_tutor.ui.rows import Row
from k8s_tutor.ui.scene import Picture, Scene
from k8s_tutor.ui.words import count


@panel
def render(scene: Scene, width: int, height: int) -> Picture:
    """Each service with its address, and rails to its backends; those that are not ready get nothing."""
    canvas = Canvas(width, height)
    services = scene.view.workload.services
    title = scene.lens.word("service", "Services")
    if not services:
        canvas.put(0, 0, "no services", "dim")
        return canvas.picture(title)
    ordered = sorted(services, key=lambda one: (f"service {_key(one)}" != scene.selected, one.name == "kubernetes"))
    height -= height >= 9 and draw_rules(canvas, scene, height - 1, width)
    row = 0
    for number, service in enumerate(ordered):
        left = len(ordered) - number
        room = height - row - (1 if left > 1 else 0)
        if room < 1 or (row and room < 2):
            canvas.put(height - 1, 0, f"and {count(left, 'more service')}" if number else "", "dim")
            break
        row = _service(canvas, scene, service, row, room) + (1 if height - row > 6 else 0)
    ready = sum(end.ready for one in services for end in one.endpoints)
    return canvas.picture(title, ((f"{count(len(services), 'service')}, {count(ready, 'backend')} ready", "dim"),))


def _key(service: ServiceView) -> str:
    return f"{service.namespace}/{service.name}"


def _service(canvas: Canvas, scene: Scene, service: ServiceView, row: int, rows: int) -> int:
    """The service's line and as many backends as fit; returns the next row."""
    target = f"service {_key(service)}"
    name = service.name if service.namespace == "default" else _key(service)
    column = canvas.put(row, 0, shorten(name, max(6, canvas.width // 3)), picked(scene, target, "bright+bold")) + 2
    canvas.spot(row, 0, canvas.width, target)
    address: Row = ((service.cluster_ip or "no address", "you"), (f" {','.join(service.ports)}", "dim"))
    column = canvas.row(row, column, address) + 3
    selector = ",".join(f"{key}={value}" for key, value in service.selector.items())
    if selector and canvas.width - column >= len(selector) + 10:
        canvas.put(row, column, f"selects {selector}", "dim")
    ends = service.endpoints
    shown = ends[: max(0, rows - 1 if len(ends) <= rows - 1 else rows - 2)]
    if not ends and rows > 1:
        canvas.put(row + 1, 2, "╰─ ✗ nobody is behind it: connections are refused", "fail")
        return row + 2
    for number, end in enumerate(shown, 1):
        last = number == len(ends)
        _backend(canvas, scene, end, row + number, "╰" if last else "├")
    if len(shown) < len(ends) and rows > len(shown) + 1:
        rest = ends[len(shown) :]
        ready = sum(end.ready for end in rest)
        canvas.put(row + len(shown) + 1, 2, f"╰─ and {len(rest)} more, {ready} ready", "dim")
        return row + len(shown) + 2
    return row + len(shown) + 1


def _backend(canvas: Canvas, scene: Scene, end: EndpointView, row: int, corner: str) -> None:
    pod = end.pod if "/" in end.pod else f"default/{end.pod}"
    canvas.put(row, 2, corner, "line")
    canvas.put(row, 3, "──▶" if end.ready else "╌ ╌", "you" if end.ready else "line")
    canvas.put(row, 7, "●" if end.ready else "○", "ok" if end.ready else "warn")
    room = min(32, max(14, canvas.width - 40))
    canvas.put(row, 9, squeeze(end.pod.rpartition("/")[2], room), picked(scene, pod, "text"))
    canvas.spot(row, 7, room + 2, pod)
    column = 9 + room + 2
    if canvas.width - column >= 15:
        canvas.put(row, column, end.address, "dim")
        canvas.put(row, column + 17, end.node if canvas.width - column >= 26 else "", picked(scene, end.node, "dim"))
    if not end.ready:
        canvas.right(row, (("not ready", "warn"),)) if canvas.width - column >= 36 else None
