"""lvcreate, lvextend, lvresize, lvreduce, lvremove, lvrename, lvchange, lvconvert --merge."""

from __future__ import annotations

from k8s_tutor.node.lvm import sizes
from k8s_tutor.node.lvm.filesystems import grow_filesystem
from k8s_tutor.node.lvm.groups import allocate, joined
from k8s_tutor.node.lvm.model import (
    EXTENT,
    SNAPSHOT,
    THIN,
    THIN_POOL,
    LogicalVolume,
    Segment,
    lvm_uuid,
    replace,
)  # fmt: skip
from k8s_tutor.node.lvm.running import Run

CHUNK = 64 << 10
"""Bytes in which a thin pool hands out its room."""


def lvcreate(run: Run) -> None:
    """A new volume: linear, a thin pool, a thin volume, or a snapshot."""
    if "snapshot" in run.flags:
        _snapshot(run)
        return
    pool = run.flags.get("thinpool", "")
    thin = "thin" in run.flags or pool or run.flags.get("type") in ("thin", "thin-pool")
    words = list(run.words)
    if thin and words and "/" in words[0].removeprefix("/dev/"):
        group_name, _, pool = words[0].removeprefix("/dev/").partition("/")
    elif words:
        group_name = words[0]
    else:
        raise run.refused("Please provide a volume group name", code=3)
    group = run.group(group_name).name
    run.complete(run.group(group))
    if "virtualsize" in run.flags:
        if run.storage.volume(group, pool) is None and ("size" in run.flags or "extents" in run.flags):
            _pool(run, group, pool or "lvol1")
        _thin(run, group, pool)
    elif thin:
        _pool(run, group, pool or run.flags.get("name", "lvol1"))
    else:
        _linear(run, group, words[1:])


def _fresh(run: Run, group: str, name: str) -> tuple[str, str]:
    """Name and uuid of a new volume."""
    if not name:
        numbers = range(len(run.storage.volumes) + 1)
        name = next(f"lvol{one}" for one in numbers if run.storage.volume(group, f"lvol{one}") is None)
    if run.storage.volume(group, name) is not None:
        raise run.refused(f'Logical Volume "{name}" already exists in volume group "{group}"')
    run.storage, serial = run.storage.made()
    return name, lvm_uuid(run.storage.node, serial)


def _room(run: Run, group: str, extents: int, devices: list[str] | None = None) -> tuple[Segment, ...]:
    pvs = [run.pv(device) for device in devices] if devices else list(run.storage.members(group))
    found = allocate(run.storage, pvs, extents)
    if found is None:
        free = run.storage.free(group)
        raise run.refused(f'Volume group "{group}" has insufficient free space ({free} extents): {extents} required.')
    return found


def _needs_size(run: Run) -> None:
    if "size" not in run.flags and "extents" not in run.flags:
        raise run.refused("No command with matching syntax recognised.  Run 'lvcreate --help' for more information.", code=3)


def _linear(run: Run, group: str, devices: list[str]) -> None:
    _needs_size(run)
    extents = run.wanted(None, group)
    if extents <= 0:
        raise run.refused("Unable to create new logical volume with no extents.")
    name, uuid = _fresh(run, group, run.flags.get("name", ""))
    segments = _room(run, group, extents, devices)
    tags = tuple(run.flags["addtag"].split(",")) if "addtag" in run.flags else ()
    run.storage = run.storage.with_volume(LogicalVolume(name, group, uuid, extents, segments, tags=tags))
    run.say(f'Logical volume "{name}" created.')


def _pool(run: Run, group: str, name: str) -> None:
    _needs_size(run)
    extents = run.wanted(None, group)
    meta = max(1, -(-(extents * EXTENT // CHUNK * 64) // EXTENT))
    if run.flags.get("extents", "").upper().endswith("%FREE"):
        extents = min(extents, run.storage.free(group) - 2 * meta)
    name, uuid = _fresh(run, group, name)
    segments = _room(run, group, extents + 2 * meta)
    data, rest = _cut(segments, extents)
    run.storage = run.storage.with_volume(
        LogicalVolume(name, group, uuid, extents, data, THIN_POOL, metadata=rest)
    )  # fmt: skip
    run.say("Thin pool volume with chunk size 64.00 KiB can address at most <15.88 TiB of data.")
    run.say(f'Logical volume "{name}" created.')


def _cut(segments: tuple[Segment, ...], count: int) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    """The first extents, and the others."""
    first: list[Segment] = []
    rest: list[Segment] = []
    for one in segments:
        taken = min(one.count, count)
        count -= taken
        if taken:
            first.append(replace(one, count=taken))
        if taken < one.count:
            rest.append(replace(one, start=one.start + taken, count=one.count - taken))
    return tuple(first), tuple(rest)


def _thin(run: Run, group: str, pool_name: str) -> None:
    pool = run.storage.volume(group, pool_name)
    if pool is None or pool.kind != THIN_POOL:
        raise run.refused(f"Thin pool {group}/{pool_name} not found." if pool_name else "Please specify a thin pool.")
    size = sizes.parse(run.flags["virtualsize"])
    if not size:
        raise run.refused(f"Invalid argument for --virtualsize: {run.flags['virtualsize']}",
                          "Error during parsing of command line.", code=3)  # fmt: skip
    name, uuid = _fresh(run, group, run.flags.get("name", ""))
    volume = LogicalVolume(name, group, uuid, -(-size // EXTENT), kind=THIN, pool=pool_name)
    run.storage = run.storage.with_volume(volume)
    _overprovisioned(run, pool)
    run.say(f'Logical volume "{name}" created.')


def _overprovisioned(run: Run, pool: LogicalVolume) -> None:
    """What LVM says when thin volumes promise more than there is."""
    group, promised = pool.group, 0
    promised = sum(one.size for one in run.storage.volumes_of(group) if one.pool == pool.name)
    whole = run.storage.extents(group) * EXTENT
    if promised <= pool.size:
        return
    text = f"WARNING: Sum of all thin volume sizes ({sizes.long(promised)}) exceeds the size of thin pool {pool.full_name}"
    if promised > whole:
        text += f" and the size of whole volume group ({sizes.long(whole)})."
    else:
        text += f" and the amount of free space in volume group ({sizes.long(run.storage.free(group) * EXTENT)})."
    run.warn(text)
    run.warn("WARNING: You have not turned on protection against thin pools running out of space.")
    run.warn("WARNING: Set activation/thin_pool_autoextend_threshold below 100 to trigger automatic extension of thin pools "
             "before they get full.")  # fmt: skip


def _snapshot(run: Run) -> None:
    run.need(1, "Please specify a logical volume to act as the snapshot origin.")
    origin = run.volume(run.words[0])
    group = origin.group
    run.complete(run.group(group))
    if origin.kind in (SNAPSHOT, THIN_POOL):
        raise run.refused(f"Snapshots of {'snapshots' if origin.kind == SNAPSHOT else 'thin pools'} are not supported.")
    sized = "size" in run.flags or "extents" in run.flags
    if not sized and origin.kind != THIN:
        raise run.refused("No command with matching syntax recognised.  Run 'lvcreate --help' for more information.", code=3)
    name, uuid = _fresh(run, group, run.flags.get("name", ""))
    used, filesystem = 0, None
    if origin.filesystem is not None:
        run.storage, serial = run.storage.made()
        used = run.storage.usage(origin.filesystem.place)
        filesystem = replace(origin.filesystem, place=f"fs-{serial}")
        run.copies.append((origin.filesystem.place, filesystem.place))
    if sized:
        extents = run.wanted(origin, group)
        segments = _room(run, group, extents)
        made = LogicalVolume(name, group, uuid, extents, segments, SNAPSHOT, "", origin.name, filesystem, base=used)
    else:
        made = LogicalVolume(name, group, uuid, origin.extents, (), THIN, origin.pool, origin.name, filesystem,
                             active=run.flags.get("setactivationskip") == "n", base=used)  # fmt: skip
    run.storage = run.storage.with_volume(made)
    run.say(f'Logical volume "{name}" created.')


# ---------------------------------------------------------------------- growing and shrinking


def lvextend(run: Run) -> None:
    """More room for a volume; ``-r`` takes its file system along."""
    run.need(1, "Please specify a logical volume path.")
    volume = run.volume(run.words[0])
    _needs_a_size(run)
    extents = run.wanted(volume, volume.group)
    if extents <= volume.extents and run.flags.get("extents", "").startswith("+"):
        extents = volume.extents
    if extents <= volume.extents:
        raise run.refused(f"New size given ({extents} extents) not larger than existing size ({volume.extents} extents)")
    _resize(run, volume, extents)


def lvreduce(run: Run) -> None:
    """Less room for a volume: only where its file system is smaller, or shrinks first."""
    run.need(1, "Please specify a logical volume path.")
    volume = run.volume(run.words[0])
    _needs_a_size(run)
    extents = run.wanted(volume, volume.group)
    if extents >= volume.extents:
        raise run.refused(f"New size given ({extents} extents) not less than existing size ({volume.extents} extents)")
    _resize(run, volume, extents)


def lvresize(run: Run) -> None:
    """Either of them."""
    run.need(1, "Please specify a logical volume path.")
    volume = run.volume(run.words[0])
    _needs_a_size(run)
    extents = run.wanted(volume, volume.group)
    if extents == volume.extents:
        raise run.refused(f"New size ({extents} extents) matches existing size ({volume.extents} extents).")
    _resize(run, volume, extents)


def _needs_a_size(run: Run) -> None:
    if "size" not in run.flags and "extents" not in run.flags:
        raise run.refused("No command with matching syntax recognised.  Run "
                          f"'{run.name} --help' for more information.", code=3)  # fmt: skip


def _resize(run: Run, volume: LogicalVolume, extents: int) -> None:
    run.complete(run.group(volume.group))
    if extents < volume.extents:
        _may_shrink(run, volume, extents * EXTENT)
        kept, _ = _cut(volume.segments, extents)
        fresh = replace(volume, extents=extents, segments=kept)
    elif volume.kind == THIN:
        fresh = replace(volume, extents=extents)
    else:
        more = extents - volume.extents
        pvs = [run.pv(device) for device in run.words[1:]] or list(run.storage.members(volume.group))
        ends = {one.pv: one.start + one.count for one in volume.segments[-1:]}
        pvs.sort(key=lambda pv: pv.uuid not in ends)
        added = allocate(run.storage, pvs, more)
        if added is None:
            free = run.storage.free(volume.group)
            raise run.refused(f"Insufficient free space: {more} extents needed, but only {free} available")
        fresh = replace(volume, extents=extents, segments=joined((*volume.segments, *added)))
    if "resizefs" in run.flags and volume.filesystem is not None:
        _tell_filesystem(run, volume)
    run.storage = run.storage.with_volume(fresh)
    run.say(f"Size of logical volume {volume.full_name} changed from {sizes.long(volume.size)} ({volume.extents} extents) "
            f"to {sizes.long(fresh.size)} ({fresh.extents} extents).")  # fmt: skip
    if "resizefs" in run.flags and volume.filesystem is not None and extents > volume.extents:
        run.say(f"Extending file system {volume.filesystem.kind} to {sizes.long(fresh.size)} ({fresh.size} bytes) on "
                f"{volume.full_name}...")  # fmt: skip
        grow_filesystem(run, fresh)
        run.say(f"Extended file system {volume.filesystem.kind} on {volume.full_name}.")
    if volume.kind == THIN:
        pool = run.storage.volume(volume.group, volume.pool)
        if pool is not None:
            _overprovisioned(run, pool)
    run.say(f"Logical volume {volume.full_name} successfully resized.")


def _tell_filesystem(run: Run, volume: LogicalVolume) -> None:
    assert volume.filesystem is not None
    mounts = run.storage.mounts_of(volume)
    where = f" mounted at {mounts[0].target}" if mounts else ""
    run.say(f"File system {volume.filesystem.kind} found on {volume.full_name}{where}.")


def _may_shrink(run: Run, volume: LogicalVolume, size: int) -> None:
    """A volume is not cut off below its file system (lib/device/filesystem.c)."""
    filesystem = volume.filesystem
    if filesystem is None or filesystem.size <= size:
        return
    mounts = run.storage.mounts_of(volume)
    where = f" mounted at {mounts[0].target}" if mounts else ""
    lines = [
        f"File system {filesystem.kind} found on {volume.full_name}{where}.",
        f"File system size ({sizes.long(filesystem.size)}) is larger than the requested size ({sizes.long(size)}).",
    ]
    if filesystem.kind == "xfs":
        raise run.refused(*lines, "File system reduce is required and not supported (xfs).")
    if "resizefs" not in run.flags:
        raise run.refused(*lines, "File system reduce is required using resize2fs.")
    if mounts:
        raise run.refused(*lines, "File system unmount is needed for reduce. Use --fs resize_unmount, or unmount it first.")
    if run.storage.usage(filesystem.place) + size // 32 > size:
        raise run.refused(*lines, "resize2fs: New size smaller than minimum", "Failed to reduce file system with resize2fs.")
    run.storage = run.storage.with_filesystem(volume, replace(filesystem, size=size))
    run.say(f"Reduced file system {filesystem.kind} on {volume.full_name}.")


# ---------------------------------------------------------------------- the rest


def lvremove(run: Run) -> None:
    """Gives the extents of volumes back."""
    run.need(1, "Please enter one or more logical volume paths")
    for word in run.words:
        group = run.storage.group(word.removeprefix("/dev/"))
        for volume in run.storage.volumes_of(group.name) if group is not None else (run.volume(word),):
            _remove(run, volume)


def _remove(run: Run, volume: LogicalVolume) -> None:
    run.complete(run.group(volume.group))
    if run.storage.mounts_of(volume):
        raise run.refused(f"Logical volume {volume.full_name} contains a filesystem in use.")
    depending = [one for one in run.storage.volumes_of(volume.group)
                 if one.pool == volume.name or (one.kind == SNAPSHOT and one.origin == volume.name)]  # fmt: skip
    asked = "yes" in run.flags or "force" in run.flags
    if volume.active and not asked:
        raise run.refused(f"Do you really want to remove active logical volume {volume.full_name}? [y/n]: [n]",
                          f"Logical volume {volume.full_name} not removed.")  # fmt: skip
    for one in depending:
        _remove(run, one)
    run.storage = run.storage.without_volume(volume)
    run.say(f'Logical volume "{volume.name}" successfully removed.')


def lvrename(run: Run) -> None:
    """Another name for a volume."""
    run.need(2, "Old and new logical volume names required")
    volume = run.volume(run.words[0] if len(run.words) == 2 else f"{run.words[0]}/{run.words[1]}")
    name = run.words[-1].rpartition("/")[2]
    if run.storage.volume(volume.group, name) is not None:
        raise run.refused(f'Logical Volume "{name}" already exists in volume group "{volume.group}"')
    run.storage = run.storage.with_volume(replace(volume, name=name))
    run.say(f'Renamed "{volume.name}" to "{name}" in volume group "{volume.group}"')


def lvchange(run: Run) -> None:
    """Switches a volume on (``-ay``, with ``-K`` for one that is skipped) or off (``-an``)."""
    run.need(1, "Please give logical volume path(s)")
    for word in run.words:
        volume, wish = run.volume(word), run.flags.get("activate", "")
        if wish not in ("y", "n"):
            raise run.refused("Need 1 or more of -a, -C, ... options.", code=3)
        if wish == "n" and run.storage.mounts_of(volume):
            raise run.refused(f"Logical volume {volume.full_name} contains a filesystem in use.")
        if wish == "y" and run.storage.broken(volume):
            raise run.refused(f"Refusing activation of partial LV {volume.full_name}.  "
                              "Use '--activationmode partial' to override.")  # fmt: skip
        skipped = wish == "y" and volume.kind == THIN and volume.origin and "ignoreactivationskip" not in run.flags
        if not skipped:
            run.storage = run.storage.with_volume(replace(volume, active=wish == "y"))


def lvconvert(run: Run) -> None:
    """``--merge``: the origin of a snapshot is again as it was when the snapshot was taken."""
    run.need(1, "Please specify a logical volume path.")
    if "merge" not in run.flags:
        raise run.refused("No command with matching syntax recognised.  Run 'lvconvert --help' for more information.", code=3)
    snapshot = run.volume(run.words[0])
    origin = run.storage.volume(snapshot.group, snapshot.origin) if snapshot.origin else None
    if origin is None:
        raise run.refused(f"Command on LV {snapshot.full_name} does not accept LV type {snapshot.kind}.")
    if run.storage.mounts_of(origin):
        when = f"will occur on next activation of {origin.full_name}."
        raise run.refused("Delaying merge since origin is open.", f"Merging of snapshot {snapshot.full_name} {when}")
    run.storage = run.storage.without_volume(snapshot)
    run.storage = run.storage.with_filesystem(replace(origin, extents=origin.extents), snapshot.filesystem)
    run.say(f"Merging of volume {snapshot.full_name} started.")
    run.say(f"{origin.full_name}: Merged: 100.00%")

