"""Storage in one picture: the disks of each worker, the volume group over them, its logical volumes, and from there to
PersistentVolume, claim and pod."""

from __future__ import annotations

from k8s_tutor.cluster.storageviews import ClaimView, DiskView, GroupView, NodeDisksView, VolumeView
from k8s_tutor.ui.draw import Canvas, gauge, shorten, squeeze
from k8s_tutor.ui.panels.panel import panel, picked
from k8s_tutor.ui.rows import Row
from k8s_tutor.ui.scene import Picture, Scene
from k8s_tutor.ui.words import count

GIB = 1 << 30
FULL = 90
"""From so many percent on a file system is marked."""
_SHADES = ("leader", "you", "ok", "peer")
"""Roles of volumes that lie side by side."""


@panel
def render(scene: Scene, width: int, height: int) -> Picture:
    """A block for each worker that has disks: disks, group, volumes; then the claims that have no volume of a worker."""
    canvas = Canvas(width, height)
    title, storage = scene.lens.word("storage", "Storage"), scene.view.storage
    if not storage.nodes and not storage.claims:
        canvas.put(0, 0, "no claims, and no disks beside the machines' own", "dim")
        return canvas.picture(title)
    claims = {f"{one.namespace}/{one.name}": one for one in storage.claims}
    shown = {volume.claim for node in storage.nodes for group in node.groups for volume in group.volumes if volume.claim}
    rest = [one for key, one in claims.items() if key not in shown]
    row, left = 0, list(storage.nodes)
    tail = min(len(rest), max(1, height // 4)) if rest else 0
    while left:
        node = left.pop(0)
        room = height - row - tail - 2 * len(left)
        if room < 2 and row:
            canvas.put(min(row, height - 1), 0, f"and {count(len(left) + 1, 'more worker')} with disks", "dim")
            row += 1
            break
        row = _node(canvas, scene, node, claims, row, max(2, room))
        if left and height - row - tail > 3 * len(left) + 2:
            row += 1
    _rest(canvas, scene, rest, row if not storage.nodes or row >= height - tail else row + (1 if height - row > tail else 0))
    bound = sum(one.phase == "Bound" for one in storage.claims)
    words = f"{bound} of {count(len(storage.claims), 'claim')} bound"
    status: Row = ((words, "ok" if bound == len(storage.claims) else "warn"),)
    return canvas.picture(title, status if storage.claims else ())


def size(number: int) -> str:
    """``10 GiB``, ``1.5 GiB``, ``512 MiB``."""
    for power, unit in ((30, "GiB"), (20, "MiB")):
        if number >= 1 << power or unit == "MiB":
            tenths = (number * 10 + (1 << power - 1)) >> power
            return f"{tenths // 10} {unit}" if tenths % 10 == 0 else f"{tenths // 10}.{tenths % 10} {unit}"
    return "0"


def _node(
    canvas: Canvas, scene: Scene, node: NodeDisksView, claims: dict[str, ClaimView], row: int, room: int
) -> int:  # fmt: skip
    """One worker; returns the next row."""
    target = node.node
    column = canvas.put(row, 0, scene.lens.name(node.node), picked(scene, target, "bright+bold" if node.up else "dim")) + 2
    canvas.spot(row, 0, column - 2, target)
    for disk in node.disks:
        column = _disk(canvas, disk, row, column)
    if not node.up:
        canvas.right(row, (("down", "fail"),))
    row, room = row + 1, room - 1
    for group in node.groups:
        if room < 1:
            break
        used = _group(canvas, scene, group, claims, row, room)
        row, room = row + used, room - used
    if not node.groups and room:
        canvas.put(row, 2, "no volume group: LVM has not been told of these disks", "dim")
        row += 1
    return row


def _disk(canvas: Canvas, disk: DiskView, row: int, column: int) -> int:
    glyph, role, words = "▣", "text", size(disk.size)
    if disk.failed:
        glyph, role, words = "✗", "fail", "failed"
    elif not disk.group:
        glyph, role, words = "▢", "dim", f"{words} unused"
    if column + len(disk.name) + len(words) + 4 > canvas.width:
        return canvas.put(row, column, f"{glyph} ", role)
    column = canvas.put(row, column, f"{glyph} {disk.name} ", role)
    return canvas.put(row, column, words, "dim" if not disk.failed else "fail") + 3


def _group(
    canvas: Canvas, scene: Scene, group: GroupView, claims: dict[str, ClaimView], row: int, room: int
) -> int:  # fmt: skip
    """The group's bar, and a line for each volume; returns how many rows it took."""
    words = "a disk is missing" if group.partial else f"{size(group.free)} of {size(group.size)} free"
    column = canvas.put(row, 2, group.name, "fail" if group.partial else "bright") + 1
    cells = max(6, canvas.width - column - len(words) - 2)
    outer = [one for one in group.volumes if not one.pool]
    shades = {one.name: _SHADES[number % len(_SHADES)] for number, one in enumerate(outer)}
    at, taken = column, 0
    for one in outer:
        taken += one.size
        end = column + max(1, taken * cells // group.size) if group.size else at
        end = max(end, at + 1)
        canvas.put(row, at, "█" * (min(end, column + cells) - at), "fail" if one.broken else shades[one.name])
        at = min(end, column + cells)
    canvas.put(row, at, "░" * max(0, column + cells - at), "dim")
    canvas.put(row, column + cells + 1, words, "fail" if group.partial else "dim")
    volumes = group.volumes[: max(0, room - 1)]
    if len(volumes) < len(group.volumes):
        volumes = volumes[:-1]
    for number, one in enumerate(volumes, 1):
        last = number == len(group.volumes)
        role = shades.get(one.pool or one.name, "text")
        _volume(canvas, scene, one, claims, row + number, "╰" if last else "├", role)
    hidden = len(group.volumes) - len(volumes)
    if hidden and room > 1:
        canvas.put(row + len(volumes) + 1, 4, f"and {count(hidden, 'more volume')}", "dim")
    return 1 + len(volumes) + (1 if hidden and room > 1 else 0)


def _volume(
    canvas: Canvas, scene: Scene, one: VolumeView, claims: dict[str, ClaimView], row: int, corner: str, role: str
) -> None:  # fmt: skip
    """From the logical volume to its pod."""
    wide = canvas.width >= 100
    left = 6 if one.pool else 4
    canvas.put(row, 2, f"{corner}─" + ("─" if one.pool else ""), "line")
    canvas.put(row, left, "■", "fail" if one.broken else role)
    name = one.name if len(one.name) < 20 or wide else one.name[:8] + "…"
    column = canvas.put(row, left + 2, squeeze(name, 36 if wide else 9).ljust(36 if wide else 9), "text")
    column = canvas.put(row, column + 1, size(one.size).rjust(8), "bright") + 1
    whole = one.filesystem or (one.size if one.kind == "thin-pool" else 0)
    if one.broken:
        column = canvas.put(row, column, "I/O errors ✗", "fail") + 1
    elif whole:
        share = min(100, -(-one.used * 100 // whole))
        bar = "fail" if share >= FULL else "load"
        column = canvas.put(row, column, gauge(share, 100, 12 if wide else 8 if canvas.width >= 60 else 0), bar)
        column = canvas.put(row, column, f"{share:>4}%", "fail" if share >= FULL else "dim") + 1
    else:
        column = canvas.put(row, column, "no file system", "dim") + 1
    words = one.type if wide and one.type else ""
    if one.kind == "thin-pool":
        words = "thin pool"
    elif one.origin:
        words = f"snapshot of {one.origin[:8]}…" if not one.claim else words
    if words:
        column = canvas.put(row, column, words, "dim") + 1
    _users(canvas, scene, one, claims.get(one.claim), row, column, wide)


def _users(
    canvas: Canvas, scene: Scene, one: VolumeView, claim: ClaimView | None, row: int, column: int, wide: bool
) -> None:  # fmt: skip
    """PersistentVolume, claim, pods."""
    if not one.pv:
        return
    if wide and canvas.width - column > 36:
        column = canvas.put(row, column, "◂ ", "line")
        column = canvas.put(row, column, squeeze(one.pv, 16), "dim") + 1
    if claim is None:
        canvas.put(row, column, "◂ nobody claims it", "warn")
        return
    column = canvas.put(row, column, "◂ ", "line")
    target = f"persistentvolumeclaim {one.claim}"
    shown = claim.name if claim.namespace == "default" else one.claim
    first = column
    column = canvas.put(row, column, squeeze(shown, max(6, (canvas.width - column) // 2)), picked(scene, target, "you"))
    canvas.spot(row, first, column - first, target)
    if claim.waits:
        canvas.put(row, column + 1, shorten(f"waits {claim.waits}", canvas.width - column - 1), "warn")
        return
    for pod in claim.pods:
        name = pod.removeprefix("default/")
        if column + 5 >= canvas.width:
            break
        column = canvas.put(row, column, " ◂ ", "line")
        first = column
        role = picked(scene, pod, "ok" if one.mounted else "warn")
        column = canvas.put(row, column, squeeze(name, canvas.width - column), role)
        canvas.spot(row, first, column - first, pod)


def _rest(canvas: Canvas, scene: Scene, claims: list[ClaimView], row: int) -> None:
    """Claims that no logical volume stands behind: those that wait, and those of other volumes."""
    for number, one in enumerate(claims):
        if row >= canvas.height:
            return
        if row == canvas.height - 1 and number < len(claims) - 1:
            canvas.put(row, 0, f"and {count(len(claims) - number, 'more claim')}", "dim")
            return
        bound = one.phase == "Bound"
        full = f"{one.namespace}/{one.name}"
        target = f"persistentvolumeclaim {full}"
        column = canvas.put(row, 0, "✓ " if bound else "○ ", "ok" if bound else "warn")
        name = squeeze(one.name if one.namespace == "default" else full, canvas.width // 3)
        column = canvas.put(row, column, name, picked(scene, target, "bright")) + 1
        canvas.spot(row, 0, column, target)
        column = canvas.put(row, column, size(one.requested), "dim") + 2
        words = f"◂ {squeeze(one.volume, 20)}" if bound else one.phase.lower() + (f": waits {one.waits}" if one.waits else "")
        canvas.put(row, column, shorten(words, canvas.width - column), "dim" if bound else "warn")
        row += 1
