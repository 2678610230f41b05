"""pvcreate, pvremove, pvresize, pvmove, vgcreate, vgextend, vgreduce, vgremove."""

from __future__ import annotations

from collections.abc import Sequence

from k8s_tutor.node.lvm.model import LogicalVolume, PhysicalVolume, Segment, Storage, VolumeGroup, lvm_uuid, replace
from k8s_tutor.node.lvm.running import Run


def pvcreate(run: Run) -> None:
    """Makes disks into physical volumes."""
    run.need(1, "No command with matching syntax recognised.")
    for device in run.words:
        _check_free(run, device)
        _create(run, device)


def _check_free(run: Run, device: str) -> None:
    storage, disk = run.storage, run.storage.disk(device)
    if disk is None and device.startswith("/dev/sda"):
        raise run.refused(f"Cannot use {device}: device is mounted", f"{device}: physical volume not initialized.")
    if disk is None:
        raise run.refused(f"No device found for {device}.")
    if disk.failed:
        raise run.refused(f"Error reading device {device} at 0 length 4096.", f"No device found for {device}.")
    known = storage.pv(device)
    if known is not None and known.group:
        raise run.refused(
            f"Can't initialize physical volume \"{device}\" of volume group \"{known.group}\" without -ff",
            f"{device}: physical volume not initialized.",
        )  # fmt: skip


def _create(run: Run, device: str) -> PhysicalVolume:
    disk = run.storage.disk(device)
    assert disk is not None
    storage, serial = run.storage.made()
    known = storage.pv(device)
    if known is not None:
        storage = replace(storage, pvs=tuple(one for one in storage.pvs if one.uuid != known.uuid))
    pv = PhysicalVolume(device, lvm_uuid(storage.node, serial), disk.size)
    run.storage = storage.with_pv(pv)
    run.say(f'Physical volume "{device}" successfully created.')
    return pv


def pvremove(run: Run) -> None:
    """Takes LVM's label from a disk."""
    run.need(1, "Please enter a physical volume path.")
    for device in run.words:
        pv = run.storage.pv(device)
        if pv is None:
            raise run.refused(f"No PV found on device {device}.")
        if pv.group:
            raise run.refused(
                f"PV {device} is used by VG {pv.group} so please use vgreduce first.",
                "(If you are certain you need pvremove, then confirm by using --force twice.)",
                f"{device}: physical volume label not removed.",
            )  # fmt: skip
        run.storage = replace(run.storage, pvs=tuple(one for one in run.storage.pvs if one.uuid != pv.uuid))
        run.say(f'Labels on physical volume "{device}" successfully wiped.')


def _member(run: Run, device: str, group: str) -> PhysicalVolume:
    """The physical volume that is to join a group; a bare disk becomes one."""
    known = run.storage.pv(device)
    if known is not None and known.group:
        raise run.refused(f"Physical volume '{device}' is already in volume group '{known.group}'",
                          f"Unable to add physical volume '{device}' to volume group '{group}'",
                          f"{device}: physical volume not initialized.")  # fmt: skip
    _check_free(run, device)
    return known or _create(run, device)


def vgcreate(run: Run) -> None:
    """Joins physical volumes to a new group."""
    run.need(2, "Please provide volume group name and physical volumes" if not run.words else
             "Please enter physical volume name(s)")  # fmt: skip
    name, *devices = run.words
    if run.storage.group(name) is not None:
        raise run.refused(f"A volume group called {name} already exists.")
    for device in devices:
        pv = _member(run, device, name)
        run.storage = run.storage.with_pv(replace(pv, group=name))
    storage, serial = run.storage.made()
    group = VolumeGroup(name, lvm_uuid(storage.node, serial))
    run.storage = replace(storage, groups=tuple(sorted((*storage.groups, group), key=lambda one: one.name)))
    run.say(f'Volume group "{name}" successfully created')


def vgextend(run: Run) -> None:
    """Adds physical volumes to a group, or lets one that was missing come back."""
    run.need(2, "Please enter volume group name and physical volume(s)")
    group = run.group(run.words[0])
    if "restoremissing" in run.flags:
        for device in run.words[1:]:
            pv = run.storage.pv(device)
            if pv is None or pv.group != group.name or run.storage.missing(pv):
                raise run.refused(f"WARNING: PV {device} was not found in VG {group.name}", "No PV has been restored.")
    else:
        run.complete(group)
        for device in run.words[1:]:
            run.storage = run.storage.with_pv(replace(_member(run, device, group.name), group=group.name))
    run.storage = run.storage.changed(group.name)
    run.say(f'Volume group "{group.name}" successfully extended')


def vgreduce(run: Run) -> None:
    """Takes physical volumes out of a group: empty ones, or with ``--removemissing`` those that are gone."""
    run.need(1, "Please give volume group name and physical volume paths.")
    group = run.group(run.words[0])
    if "removemissing" in run.flags:
        _remove_missing(run, group)
        return
    run.need(2, "Please enter physical volume paths or option -a.")
    run.complete(group)
    for device in run.words[1:]:
        pv = run.pv(device)
        if pv.group != group.name:
            raise run.refused(f'Physical Volume "{device}" not found in Volume Group "{group.name}".')
        if run.storage.taken(pv):
            raise run.refused(f'Physical volume "{device}" still in use')
        if len(run.storage.members(group.name)) == 1:
            raise run.refused(f'Can\'t remove final physical volume "{device}" from volume group "{group.name}"')
        run.storage = run.storage.with_pv(replace(pv, group="")).changed(group.name)
        run.say(f'Removed "{device}" from volume group "{group.name}"')


def _remove_missing(run: Run, group: VolumeGroup) -> None:
    storage = run.storage
    gone = storage.missing_in(group.name)
    if not gone:
        run.say(f'Volume group "{group.name}" is already consistent.')
        return
    partial = [one for one in storage.volumes_of(group.name) if storage.broken(one)]
    if partial and "force" not in run.flags:
        for volume in partial:
            run.warn(f"WARNING: Partial LV {volume.name} needs to be repaired or removed.")
        raise run.refused(f"There are still partial LVs in VG {group.name}.",
                          "To remove them unconditionally use: vgreduce --removemissing --force.",
                          "To remove them unconditionally from mirror LVs use: vgreduce --removemissing --mirrorsonly --force.",
                          "WARNING: Proceeding to remove empty missing PVs.")  # fmt: skip
    for volume in partial:
        run.warn(f"WARNING: Partial LV {volume.name} needs to be repaired or removed.")
        storage = storage.without_volume(volume)
        storage = replace(storage, mounts=tuple(one for one in storage.mounts if one not in storage.mounts_of(volume)))
        run.say(f"Logical volume {volume.full_name} successfully removed.")
    uuids = [one.uuid for one in gone]
    storage = replace(storage, pvs=tuple(one for one in storage.pvs if one.uuid not in uuids))
    run.storage = storage.changed(group.name)
    run.say(f"Wrote out consistent volume group {group.name}.")


def vgremove(run: Run) -> None:
    """Ends a group without volumes."""
    run.need(1, "Please enter one or more volume group paths")
    for name in run.words:
        group = run.group(name)
        count = len(run.storage.volumes_of(group.name))
        if count:
            raise run.refused(f'Do you really want to remove volume group "{group.name}" containing {count} logical volumes? '
                              "[y/n]: [n]", f'Volume group "{group.name}" not removed')  # fmt: skip
        run.complete(group)
        pvs = tuple(replace(one, group="") if one.group == group.name else one for one in run.storage.pvs)
        groups = tuple(one for one in run.storage.groups if one.name != group.name)
        run.storage = replace(run.storage, pvs=pvs, groups=groups)
        run.say(f'Volume group "{group.name}" successfully removed')


def pvmove(run: Run) -> None:
    """Carries all extents of a physical volume to others of its group, while they are in use."""
    run.need(1, "Please enter a physical volume path.")
    pv = run.pv(run.words[0])
    if not pv.group:
        raise run.refused(f"Physical volume {pv.device} not found in a volume group.", "Failed to find PV.")
    if not run.storage.taken(pv):
        run.say(f"No data to move for {pv.group}.")
        return
    targets = [run.pv(device) for device in run.words[1:]]
    for one in targets:
        if one.group != pv.group:
            raise run.refused(f'Physical Volume "{one.device}" not found in Volume Group "{pv.group}".')
    targets = targets or [one for one in run.storage.members(pv.group) if one.uuid != pv.uuid]
    storage = run.storage
    for volume in storage.volumes_of(pv.group):
        moved = _moved(storage, volume, pv, targets)
        if moved is None:
            raise run.refused(f"Insufficient suitable allocatable extents for logical volume pvmove0: "
                              f"{sum(count for _, count, _ in run.storage.taken(pv))} more required",
                              "Unable to allocate mirror extents for pvmove0.",
                              "Failed to convert pvmove LV to mirrored.")  # fmt: skip
        storage = storage.with_volume(moved) if moved != volume else storage
    run.storage = storage
    run.say(f"{pv.device}: Moved: 0.00%")
    run.say(f"{pv.device}: Moved: 100.00%")


def _moved(
    storage: Storage, volume: LogicalVolume, pv: PhysicalVolume, targets: list[PhysicalVolume]
) -> LogicalVolume | None:
    """A volume whose segments have left a disk. None: there is no room for them."""
    parts: dict[str, tuple[Segment, ...]] = {"segments": (), "metadata": ()}
    for field in parts:
        for segment in getattr(volume, field):
            if segment.pv != pv.uuid:
                parts[field] = (*parts[field], segment)
                continue
            fresh = allocate(storage, targets, segment.count)
            if fresh is None:
                return None
            taken = replace(volume, uuid=f"{volume.uuid}+{segment.start}", segments=fresh, metadata=())
            storage = storage.with_volume(taken)  # so that the next row is not put into the same place
            parts[field] = (*parts[field], *fresh)
    return replace(volume, **parts)


def allocate(storage: Storage, pvs: Sequence[PhysicalVolume], count: int) -> tuple[Segment, ...] | None:
    """So many free extents of these physical volumes, from the first that has some. None: there are not so many."""
    found: list[Segment] = []
    for pv in pvs:
        if storage.missing(pv):
            continue
        for start, room in storage.holes(pv):
            taken = min(room, count)
            if taken:
                found.append(Segment(pv.uuid, start, taken))
                count -= taken
    return None if count else tuple(found)


def joined(segments: tuple[Segment, ...]) -> tuple[Segment, ...]:
    """The same extents in as few rows as possible."""
    found: list[Segment] = []
    for one in segments:
        if found and found[-1].pv == one.pv and found[-1].start + found[-1].count == one.start:
            found[-1] = replace(found[-1], count=found[-1].count + one.count)
        else:
            found.append(one)
    return tuple(found)
