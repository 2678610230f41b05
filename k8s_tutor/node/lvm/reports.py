"""pvs, vgs, lvs, and pvdisplay, vgdisplay, lvdisplay: what LVM prints of itself (lib/report, tools/reporter.c)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from k8s_tutor.node.lvm import sizes
from k8s_tutor.node.lvm.filesystems import thin_used
from k8s_tutor.node.lvm.model import (
    EXTENT,
    SNAPSHOT,
    THIN,
    THIN_POOL,
    LogicalVolume,
    PhysicalVolume,
    Storage,
    VolumeGroup,
)  # fmt: skip
from k8s_tutor.node.lvm.running import USAGE, Run

T = TypeVar("T")
Column = tuple[str, int, str]
"""Heading, least width, and at which side it stands."""


def pv_attributes(storage: Storage, pv: PhysicalVolume) -> str:
    """``a--``: allocatable; ``a-m``: missing."""
    return f"{'a' if pv.group else '-'}-{'m' if storage.missing(pv) else '-'}"


def vg_attributes(storage: Storage, group: VolumeGroup) -> str:
    """``wz--n-``: writeable, resizeable, partial where a disk is missing, normal allocation."""
    return f"wz-{'p' if storage.missing_in(group.name) else '-'}n-"


def lv_attributes(storage: Storage, volume: LogicalVolume) -> str:
    """The ten letters of lvs(8)."""
    family = storage.volumes_of(volume.group)
    origin = any(one.kind == SNAPSHOT and one.origin == volume.name for one in family)
    kind = {THIN_POOL: "t", THIN: "V", SNAPSHOT: "s"}.get(volume.kind, "o" if origin else "-")
    state = "a" if volume.active else "-"
    if volume.kind == SNAPSHOT and snapshot_used(storage, volume) >= volume.size:
        kind, state = "S", "I"
    busy = any(one.pool == volume.name and one.active for one in family) if volume.kind == THIN_POOL else False
    opened = "o" if storage.mounts_of(volume) or busy else "-"
    target = "t" if volume.kind in (THIN, THIN_POOL) else "s" if origin or volume.kind == SNAPSHOT else "-"
    zero = "z" if volume.kind in (THIN, THIN_POOL) else "-"
    health = "p" if storage.broken(volume) else "-"
    if volume.kind == THIN_POOL and thin_used(storage, volume) >= volume.size:
        health = "D"
    skip = "k" if volume.kind == THIN and volume.origin and not volume.active else "-"
    return f"{kind}wi-{state}{opened}{target}{zero}{health}{skip}"


def snapshot_used(storage: Storage, snapshot: LogicalVolume) -> int:
    """Bytes of a snapshot's room that changes of its origin have taken."""
    origin = storage.volume(snapshot.group, snapshot.origin)
    now = storage.usage(origin.filesystem.place) if origin is not None and origin.filesystem is not None else snapshot.base
    return min(abs(now - snapshot.base), snapshot.size)


def data_percent(storage: Storage, volume: LogicalVolume) -> str:
    """``Data%`` of thin volumes, pools and snapshots; else empty."""
    if volume.kind == THIN_POOL:
        return sizes.percent(thin_used(storage, volume), volume.size)
    if volume.kind == SNAPSHOT:
        return sizes.percent(snapshot_used(storage, volume), volume.size)
    if volume.kind == THIN and volume.active:
        files = storage.usage(volume.filesystem.place) + volume.filesystem.size // 64 if volume.filesystem is not None else 0
        return sizes.percent(files, volume.size)
    return ""


# ---------------------------------------------------------------------- columns

PV: dict[str, tuple[Column, Callable[[Storage, PhysicalVolume], str]]] = {
    "pv_name": (("PV", 10, "<"), lambda s, pv: "[unknown]" if s.missing(pv) else pv.device),
    "vg_name": (("VG", 4, "<"), lambda s, pv: pv.group),
    "pv_fmt": (("Fmt", 4, "<"), lambda s, pv: "lvm2"),
    "pv_attr": (("Attr", 4, "<"), pv_attributes),
    "pv_size": (("PSize", 5, ">"), lambda s, pv: sizes.short(pv.extents * EXTENT if pv.group else pv.size)),
    "pv_free": (("PFree", 5, ">"), lambda s, pv: sizes.short(s.free_of(pv) * EXTENT if pv.group else pv.size)),
    "pv_used": (("Used", 4, ">"), lambda s, pv: sizes.short((pv.extents - s.free_of(pv)) * EXTENT if pv.group else 0)),
    "pv_uuid": (("PV UUID", 38, "<"), lambda s, pv: pv.uuid),
    "dev_size": (("DevSize", 7, ">"), lambda s, pv: sizes.short(pv.size)),
    "pv_pe_count": (("PE", 3, ">"), lambda s, pv: str(pv.extents if pv.group else 0)),
    "pv_pe_alloc_count": (("Alloc", 5, ">"), lambda s, pv: str(pv.extents - s.free_of(pv))),
}
VG: dict[str, tuple[Column, Callable[[Storage, VolumeGroup], str]]] = {
    "vg_name": (("VG", 4, "<"), lambda s, vg: vg.name),
    "pv_count": (("#PV", 3, ">"), lambda s, vg: str(len(s.members(vg.name)))),
    "lv_count": (("#LV", 3, ">"), lambda s, vg: str(len(s.volumes_of(vg.name)))),
    "snap_count": (("#SN", 3, ">"), lambda s, vg: str(sum(one.kind == SNAPSHOT for one in s.volumes_of(vg.name)))),
    "vg_attr": (("Attr", 6, "<"), vg_attributes),
    "vg_size": (("VSize", 5, ">"), lambda s, vg: sizes.short(s.extents(vg.name) * EXTENT)),
    "vg_free": (("VFree", 5, ">"), lambda s, vg: sizes.short(s.free(vg.name) * EXTENT)),
    "vg_uuid": (("VG UUID", 38, "<"), lambda s, vg: vg.uuid),
    "vg_extent_size": (("Ext", 5, ">"), lambda s, vg: sizes.short(EXTENT)),
    "vg_extent_count": (("#Ext", 4, ">"), lambda s, vg: str(s.extents(vg.name))),
    "vg_free_count": (("Free", 4, ">"), lambda s, vg: str(s.free(vg.name))),
}
LV: dict[str, tuple[Column, Callable[[Storage, LogicalVolume], str]]] = {
    "lv_name": (("LV", 4, "<"), lambda s, lv: lv.name),
    "vg_name": (("VG", 4, "<"), lambda s, lv: lv.group),
    "lv_attr": (("Attr", 10, "<"), lv_attributes),
    "lv_size": (("LSize", 5, ">"), lambda s, lv: sizes.short(lv.size)),
    "pool_lv": (("Pool", 4, "<"), lambda s, lv: lv.pool),
    "origin": (("Origin", 6, "<"), lambda s, lv: lv.origin),
    "data_percent": (("Data%", 6, "<"), data_percent),
    "metadata_percent": (("Meta%", 6, "<"), lambda s, lv: "10.94" if lv.kind == THIN_POOL else ""),
    "move_pv": (("Move", 4, "<"), lambda s, lv: ""),
    "mirror_log": (("Log", 3, "<"), lambda s, lv: ""),
    "copy_percent": (("Cpy%Sync", 8, "<"), lambda s, lv: ""),
    "convert_lv": (("Convert", 7, "<"), lambda s, lv: ""),
    "lv_path": (("Path", 4, "<"), lambda s, lv: lv.device),
    "lv_uuid": (("LV UUID", 38, "<"), lambda s, lv: lv.uuid),
    "devices": (("Devices", 7, "<"), lambda s, lv: devices(s, lv)),
    "lv_tags": (("LV Tags", 7, "<"), lambda s, lv: ",".join(lv.tags)),
}
SHORT = {"pvs": ("pv_name", "vg_name", "pv_fmt", "pv_attr", "pv_size", "pv_free"),
         "vgs": ("vg_name", "pv_count", "lv_count", "snap_count", "vg_attr", "vg_size", "vg_free"),
         "lvs": ("lv_name", "vg_name", "lv_attr", "lv_size", "pool_lv", "origin", "data_percent", "metadata_percent", "move_pv",
                 "mirror_log", "copy_percent", "convert_lv")}  # fmt: skip
_NAMES = {"pv": "pv_name", "vg": "vg_name", "lv": "lv_name", "name": "lv_name", "size": "lv_size", "attr": "lv_attr"}


def devices(storage: Storage, volume: LogicalVolume) -> str:
    """``/dev/sdb(0),/dev/sdc(0)``: where a volume lies."""
    if volume.kind == THIN_POOL:
        return f"{volume.name}_tdata(0)"
    known = {pv.uuid: "[unknown]" if storage.missing(pv) else pv.device for pv in storage.pvs}
    return ",".join(f"{known.get(one.pv, '[unknown]')}({one.start})" for one in volume.segments)


def report(run: Run) -> None:
    """pvs, vgs or lvs, with ``-o`` for columns of one's own, ``--noheadings``, ``-a``."""
    run.warn_missing()
    storage = run.storage
    if run.name == "pvs":
        rows = _rows(run, PV, [one for one in storage.pvs if not run.words or one.device in run.words])
    elif run.name == "vgs":
        groups = [run.group(word) for word in run.words] if run.words else list(storage.groups)
        rows = _rows(run, VG, groups)
    else:
        volumes = []
        for word in run.words:
            if "/" in word.removeprefix("/dev/"):
                volumes.append(run.volume(word))
            else:
                volumes += storage.volumes_of(run.group(word).name)
        if not run.words:
            volumes = [one for group in storage.groups for one in storage.volumes_of(group.name)]
        rows = _rows(run, LV, volumes)
    run.out += rows


def _rows(run: Run, table: dict[str, tuple[Column, Callable[[Storage, T], str]]], items: list[T]) -> list[str]:
    names = list(SHORT[run.name])
    wanted = run.flags.get("options", "")
    if wanted:
        own = [_NAMES.get(one, one) for one in wanted.removeprefix("+").split(",")]
        names = [*names, *own] if wanted.startswith("+") else own
    for name in names:
        if name not in table:
            raise run.refused(f"Unrecognised field: {name}", f"Use '{run.name} -o help' to view all fields.", code=USAGE)
    if not items:
        return []
    columns = [table[name] for name in names]
    cells = [[find(run.storage, item) for _, find in columns] for item in items]
    heads = [column[0] for column, _ in columns]
    widths = [max(column[1], len(column[0]), *(len(row[place]) for row in cells)) for place, (column, _) in enumerate(columns)]
    heading = "  " + " ".join(f"{head:<{width}}" for head, width in zip(heads, widths, strict=True))
    lines = [] if "noheadings" in run.flags else [heading]
    for row in cells:
        shown = [f"{cell:{column[2]}{width}}" for cell, (column, _), width in zip(row, columns, widths, strict=True)]
        lines.append("  " + " ".join(shown))
    return lines


# ---------------------------------------------------------------------- displays


def _lines(run: Run, title: str, rows: list[tuple[str, str]]) -> None:
    run.out.append(f"  --- {title} ---")
    run.out += [f"  {name:<22}{value}" for name, value in rows]
    run.out.append("   ")


def display(run: Run) -> None:
    """pvdisplay, vgdisplay, lvdisplay."""
    run.warn_missing()
    storage = run.storage
    if run.name == "pvdisplay":
        for pv in storage.pvs:
            if not run.words or pv.device in run.words:
                _pv(run, pv)
    elif run.name == "vgdisplay":
        for group in [run.group(word) for word in run.words] if run.words else storage.groups:
            _vg(run, group)
    else:
        every = [one for group in storage.groups for one in storage.volumes_of(group.name)]
        chosen = [run.volume(word) for word in run.words if "/" in word.removeprefix("/dev/")]
        chosen += [one for one in every if not run.words or one.group in run.words]
        for place, volume in enumerate(chosen):
            _lv(run, volume, place)


def _pv(run: Run, pv: PhysicalVolume) -> None:
    storage = run.storage
    name = "[unknown]" if storage.missing(pv) else pv.device
    if not pv.group:
        run.say(f'"{name}" is a new physical volume of "{sizes.long(pv.size)}"')
        rows = [("PV Name", name), ("VG Name", ""), ("PV Size", sizes.long(pv.size)), ("Allocatable", "NO"), ("PE Size", "0"),
                ("Total PE", "0"), ("Free PE", "0"), ("Allocated PE", "0"), ("PV UUID", pv.uuid)]  # fmt: skip
        _lines(run, "NEW Physical volume", rows)
        return
    free, waste = storage.free_of(pv), pv.size - pv.extents * EXTENT
    _lines(run, "Physical volume", [
        ("PV Name", name), ("VG Name", pv.group), ("PV Size", f"{sizes.long(pv.size)} / not usable {sizes.long(waste)}"),
        ("Allocatable", "yes" if free else "yes (but full)"), ("PE Size", sizes.long(EXTENT)), ("Total PE", str(pv.extents)),
        ("Free PE", str(free)), ("Allocated PE", str(pv.extents - free)), ("PV UUID", pv.uuid),
    ])  # fmt: skip


def _vg(run: Run, group: VolumeGroup) -> None:
    storage = run.storage
    every, free, volumes = storage.extents(group.name), storage.free(group.name), storage.volumes_of(group.name)
    members = storage.members(group.name)
    _lines(run, "Volume group", [
        ("VG Name", group.name), ("System ID", ""), ("Format", "lvm2"), ("Metadata Areas", str(len(members))),
        ("Metadata Sequence No", str(group.sequence)), ("VG Access", "read/write"), ("VG Status", "resizable"), ("MAX LV", "0"),
        ("Cur LV", str(len(volumes))), ("Open LV", str(sum(bool(storage.mounts_of(one)) for one in volumes))), ("Max PV", "0"),
        ("Cur PV", str(len(members))), ("Act PV", str(len(members) - len(storage.missing_in(group.name)))),
        ("VG Size", sizes.long(every * EXTENT)), ("PE Size", sizes.long(EXTENT)), ("Total PE", str(every)),
        ("Alloc PE / Size", f"{every - free} / {sizes.long((every - free) * EXTENT)}"),
        ("Free  PE / Size", f"{free} / {sizes.long(free * EXTENT)}"), ("VG UUID", group.uuid),
    ])  # fmt: skip


def _lv(run: Run, volume: LogicalVolume, place: int) -> None:
    storage = run.storage
    segments = len(volume.segments) or 1
    rows = [("LV Path", volume.device), ("LV Name", volume.name), ("VG Name", volume.group), ("LV UUID", volume.uuid),
            ("LV Write Access", "read/write"), ("LV Status", "available" if volume.active else "NOT available")]  # fmt: skip
    if volume.pool:
        rows.append(("LV Pool name", volume.pool))
    if volume.origin:
        rows.append(("LV snapshot status", f"active destination for {volume.origin}"))
    if volume.active:
        rows.append(("# open", str(len(storage.mounts_of(volume)))))
    rows += [("LV Size", sizes.long(volume.size)), ("Current LE", str(volume.extents)), ("Segments", str(segments)),
             ("Allocation", "inherit"), ("Read ahead sectors", "auto"), ("Block device", f"253:{place}")]  # fmt: skip
    if data_percent(storage, volume):
        name = "Allocated to snapshot" if volume.kind == SNAPSHOT else "Mapped size"
        rows.insert(-5, (name, f"{data_percent(storage, volume)}%"))
    _lines(run, "Logical volume", rows)
