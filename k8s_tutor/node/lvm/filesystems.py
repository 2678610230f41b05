"""mkfs, resize2fs, xfs_growfs, mount, umount, df, lsblk: what is on the volumes."""

from __future__ import annotations

from k8s_tutor.node.lvm import sizes
from k8s_tutor.node.lvm.model import (
    SNAPSHOT,
    THIN,
    THIN_POOL,
    FileSystem,
    LogicalVolume,
    Mounted,
    Storage,
    filesystem_uuid,
    replace,
)  # fmt: skip
from k8s_tutor.node.lvm.running import Refused, Run

BLOCK = 4096
MIB = 1 << 20
KINDS = ("ext4", "xfs")


# ---------------------------------------------------------------------- how much room there is


def overhead(filesystem: FileSystem) -> int:
    """Bytes that a file system keeps for itself and df does not show (inode tables and journal; the log)."""
    if filesystem.kind == "xfs":
        return 64 * MIB
    gib = 1 << 30
    journal = (32 if filesystem.size < 2 * gib else 64 if filesystem.size < 16 * gib else 128) * MIB
    return min(filesystem.size // 64 + journal + 2 * MIB, filesystem.size // 2)


def capacity(filesystem: FileSystem) -> int:
    """What df calls its size."""
    return filesystem.size - overhead(filesystem)


def reserved(filesystem: FileSystem) -> int:
    """What only root may use (ext4), or its own books take (xfs)."""
    return filesystem.size // 20 if filesystem.kind == "ext4" else 19 * MIB + filesystem.size // 50


def used(storage: Storage, filesystem: FileSystem) -> int:
    """Bytes in use, as df shows them."""
    files = storage.usage(filesystem.place)
    return files + (reserved(filesystem) if filesystem.kind == "xfs" else 24 << 10)


def available(storage: Storage, filesystem: FileSystem) -> int:
    """Bytes that can still be written."""
    room = capacity(filesystem) - used(storage, filesystem)
    return max(0, room - (reserved(filesystem) if filesystem.kind == "ext4" else 0))


def thin_used(storage: Storage, pool: LogicalVolume) -> int:
    """Bytes of a thin pool that its volumes have taken. A snapshot takes what has changed since."""
    found = 0
    for one in storage.volumes_of(pool.group):
        if one.pool == pool.name and one.filesystem is not None:
            files = storage.usage(one.filesystem.place)
            found += abs(files - one.base) if one.origin else files + one.filesystem.size // 64
    return found


def holder(storage: Storage, place: str) -> LogicalVolume | None:
    """The volume whose file system keeps its files at this place."""
    return next((one for one in storage.volumes if one.filesystem is not None and one.filesystem.place == place), None)


def room(storage: Storage, place: str) -> int:
    """Bytes that can still be written to a place: of its file system, and of the thin pool below. A place that is no file
    system has no end here."""
    volume = holder(storage, place)
    if volume is None or volume.filesystem is None:
        return 1 << 62
    found = available(storage, volume.filesystem)
    pool = storage.volume(volume.group, volume.pool) if volume.pool else None
    return min(found, max(0, pool.size - thin_used(storage, pool))) if pool is not None else found


# ---------------------------------------------------------------------- making and growing


def mkfs(run: Run) -> None:
    """``mkfs.ext4 /dev/data/db``, ``mkfs.xfs``, ``mkfs -t ext4``."""
    kind = run.flags.get("type", run.name.partition(".")[2]) or "ext4"
    if kind not in KINDS:
        raise Refused(f"mkfs: failed to execute mkfs.{kind}: No such file or directory", code=1)
    if not run.words:
        raise Refused(f"Usage: mkfs.{kind} [options] device", code=1)
    volume = _volume(run, run.words[0], f"mke2fs 1.47.2 (1-Jan-2025)\nThe file {run.words[0]} does not exist and no size was "
                     "specified." if kind == "ext4" else f"Error accessing specified device {run.words[0]}: No such file or "
                     "directory")  # fmt: skip
    if run.storage.mounts_of(volume):
        raise Refused(f"{run.words[0]} is mounted; will not make a filesystem here!" if kind == "ext4"
                      else f"mkfs.xfs: {run.words[0]} contains a mounted filesystem", code=1)  # fmt: skip
    if kind == "xfs" and volume.filesystem is not None and "force" not in run.flags:
        raise Refused(f"mkfs.xfs: {run.words[0]} appears to contain an existing filesystem ({volume.filesystem.kind}).",
                      "mkfs.xfs: Use the -f option to force overwrite.", code=1)  # fmt: skip
    run.storage, serial = run.storage.made()
    made = FileSystem(kind, volume.size, f"fs-{serial}", filesystem_uuid(run.storage.node, serial))
    run.storage = run.storage.with_filesystem(volume, made)
    _tell_made(run, volume, made)


def _volume(run: Run, path: str, text: str) -> LogicalVolume:
    found = run.storage.by_device(path)
    if found is None or not found.active:
        raise Refused(*text.splitlines(), code=1)
    if run.storage.broken(found):
        raise Refused(f"{run.name}: {path}: Input/output error", code=1)
    return found


def _tell_made(run: Run, volume: LogicalVolume, made: FileSystem) -> None:
    blocks = volume.size // BLOCK
    if made.kind == "xfs":
        run.out += _geometry(volume.device, blocks)
        return
    inodes = volume.size // 16384
    run.out += [
        f"Creating filesystem with {blocks} 4k blocks and {inodes} inodes", f"Filesystem UUID: {made.uuid}", "",
        "Allocating group tables: done", "Writing inode tables: done", "Creating journal: done",
        "Writing superblocks and filesystem accounting information: done", "",
    ]  # fmt: skip


def _geometry(device: str, blocks: int) -> list[str]:
    return [
        f"meta-data={device:<22} isize=512    agcount=4, agsize={blocks // 4} blks",
        f"data     ={'':<22} bsize=4096   blocks={blocks}, imaxpct=25",
        f"log      ={'internal log':<22} bsize=4096   blocks=16384, version=2",
    ]


def resize2fs(run: Run) -> None:
    """Lets an ext4 grow to the size of its volume, mounted or not."""
    if not run.words:
        raise Refused("resize2fs 1.47.2 (1-Jan-2025)", "Usage: resize2fs [options] device [new size]", code=1)
    run.err.append("resize2fs 1.47.2 (1-Jan-2025)")
    missing = f"open: No such file or directory while opening {run.words[0]}"
    volume = _volume(run, run.words[0], missing)
    if volume.filesystem is None or volume.filesystem.kind != "ext4":
        raise Refused(f"resize2fs: Bad magic number in super-block while trying to open {run.words[0]}",
                      "Couldn't find valid filesystem superblock.", code=1)  # fmt: skip
    blocks = volume.size // BLOCK
    if volume.filesystem.size >= volume.size:
        run.out.append(f"The filesystem is already {volume.filesystem.size // BLOCK} (4k) blocks long.  Nothing to do!")
        return
    mounts = run.storage.mounts_of(volume)
    if mounts:
        run.out.append(f"Filesystem at {run.words[0]} is mounted on {mounts[0].target}; on-line resizing required")
        before, after = (-(-size // (8 << 30)) for size in (volume.filesystem.size, volume.size))
        run.out.append(f"old_desc_blocks = {before}, new_desc_blocks = {after}")
    else:
        run.out.append(f"Resizing the filesystem on {run.words[0]} to {blocks} (4k) blocks.")
    grow_filesystem(run, volume)
    run.out.append(f"The filesystem on {run.words[0]} is now {blocks} (4k) blocks long.")


def xfs_growfs(run: Run) -> None:
    """Lets a mounted xfs grow to the size of its volume."""
    path = run.words[-1] if run.words else ""
    mount = next((one for one in run.storage.mounts if path in (one.target, one.source)), None)
    found = next((one for one in run.storage.volumes if one.filesystem and mount and one.filesystem.place == mount.place), None)
    if mount is None or found is None or found.filesystem is None or found.filesystem.kind != "xfs":
        raise Refused(f"xfs_growfs: {path} is not a mounted XFS filesystem", code=1)
    before, after = found.filesystem.size // BLOCK, found.size // BLOCK
    run.out += _geometry(found.mapper, before)
    if after > before:
        grow_filesystem(run, found)
        run.out.append(f"data blocks changed from {before} to {after}")


def grow_filesystem(run: Run, volume: LogicalVolume) -> None:
    """The file system of a volume is as large as the volume."""
    assert volume.filesystem is not None
    run.storage = run.storage.with_filesystem(volume, replace(volume.filesystem, size=volume.size))


# ---------------------------------------------------------------------- mounting


def mount(run: Run) -> None:
    """``mount /dev/data/db /srv``; without words what is mounted."""
    if not run.words:
        run.out.append("/dev/sda1 on / type ext4 (rw,relatime)")
        for one in run.storage.mounts:
            kind = _kind(run.storage, one)
            run.out.append(f"{one.source} on {one.target} type {kind} ({'ro' if one.read_only else 'rw'},relatime)")
        return
    if len(run.words) < 2:
        raise Refused(f"mount: {run.words[0]}: can't find in /etc/fstab.", code=1)
    path, target = run.words[0], run.words[1].rstrip("/") or "/"
    volume = run.storage.by_device(path)
    if volume is None or not volume.active:
        raise Refused(f"mount: {target}: special device {path} does not exist.", code=32)
    if volume.filesystem is None:
        raise Refused(f"mount: {target}: wrong fs type, bad option, bad superblock on {path}, missing codepage or helper "
                      "program, or other error.", code=32)  # fmt: skip
    if run.storage.broken(volume):
        raise Refused(f"mount: {target}: can't read superblock on {path}.", code=32)
    if any(one.target == target and one.place == volume.filesystem.place for one in run.storage.mounts):
        raise Refused(f"mount: {target}: {path} already mounted on {target}.", code=32)
    options = run.flags.get("options", "").split(",")
    made = Mounted(target, volume.mapper, volume.filesystem.place, "ro" in options)
    run.storage = replace(run.storage, mounts=(*run.storage.mounts, made))


def umount(run: Run) -> None:
    """Takes a file system out of the tree."""
    if not run.words:
        raise Refused("umount: bad usage", code=1)
    path = run.words[0].rstrip("/")
    found = [one for one in run.storage.mounts if path in (one.target, one.source)]
    if not found:
        raise Refused(f"umount: {path}: not mounted.", code=32)
    run.storage = replace(run.storage, mounts=tuple(one for one in run.storage.mounts if one != found[-1]))


def _kind(storage: Storage, mounted: Mounted) -> str:
    return next((one.filesystem.kind for one in storage.volumes
                 if one.filesystem is not None and one.filesystem.place == mounted.place), "none")  # fmt: skip


# ---------------------------------------------------------------------- looking


def df(run: Run) -> None:
    """``df -h``: file systems, and how full they are."""
    heads = ("Size", "Used", "Avail") if "human" in run.flags else ("1K-blocks", "Used", "Available")
    rows: list[tuple[str, ...]] = [("Filesystem", *heads, "Use%", "Mounted on")]
    storage = run.storage
    files = sum(size for place, size in storage.used if not place.startswith("fs-"))
    rows.append(_row(run, "/dev/sda1", storage.root, files, max(0, storage.root - files), "/"))
    for one in storage.mounts:
        filesystem = next((volume.filesystem for volume in storage.volumes
                           if volume.filesystem is not None and volume.filesystem.place == one.place), None)  # fmt: skip
        if filesystem is not None:
            taken, free = used(storage, filesystem), available(storage, filesystem)
            rows.append(_row(run, one.source, capacity(filesystem), taken, free, one.target))
    if run.words:
        wanted = [row for row in rows[1:] if row[5] in run.words or row[0] in run.words]
        if not wanted:
            raise Refused(f"df: {run.words[0]}: No such file or directory", code=1)
        rows = [rows[0], *wanted]
    run.out += table(rows, "<>>>><")


def _row(run: Run, source: str, size: int, taken: int, free: int, target: str) -> tuple[str, ...]:
    share = -(-taken * 100 // (taken + free)) if taken + free else 100
    numbers = (size, taken, free)
    shown = [sizes.blocks(one) if "human" in run.flags else str(one // 1024) for one in numbers]
    return (source, *shown, f"{share}%", target)


def table(rows: list[tuple[str, ...]], sides: str) -> list[str]:
    """Rows in columns; ``<`` or ``>`` for each says at which side it stands. The last one is as long as it is."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(sides))]
    found = []
    for row in rows:
        cells = [f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)]
        found.append(" ".join(cells).rstrip())
    return found


def lsblk(run: Run) -> None:
    """Disks and what is on them, as a tree."""
    storage = run.storage
    rows: list[tuple[str, ...]] = [("NAME", "MAJ:MIN", "RM", "SIZE", "RO", "TYPE", "MOUNTPOINTS")]
    rows.append(("sda", "8:0", "0", sizes.disk(storage.root), "0", "disk", ""))
    rows.append(("└─sda1", "8:1", "0", sizes.disk(storage.root), "0", "part", "/"))
    minors = {volume.uuid: place for place, volume in enumerate(sorted(storage.volumes, key=lambda one: one.full_name))}
    for place, disk in enumerate(storage.disks, 1):
        if disk.failed:
            continue
        rows.append((disk.name, f"8:{place * 16}", "0", sizes.disk(disk.size), "0", "disk", ""))
        pv = storage.pv(disk.device)
        here = [one for one in storage.volumes_of(pv.group) if any(part.pv == pv.uuid for part in one.segments)] if pv else []
        for number, volume in enumerate(here):
            last = number == len(here) - 1
            _branch(storage, volume, rows, "└─" if last else "├─", "  " if last else "│ ", minors)
    width = max(len(row[0]) for row in rows)
    heads, *rest = rows
    rest = [(f"{row[0]:<{width}}", _number(row[1]), *row[2:]) for row in rest]
    run.out += table([heads, *rest], "<<>>><<")


def _number(text: str) -> str:
    major, _, minor = text.partition(":")
    return f"{major:>3}:{minor}"


def _branch(storage: Storage, volume: LogicalVolume, rows: list[tuple[str, ...]], stem: str, below: str,
            minors: dict[str, int]) -> None:  # fmt: skip
    targets = [one.target for one in storage.mounts_of(volume)]
    name = volume.mapper.removeprefix("/dev/mapper/")
    rows.append((f"{stem}{name}", f"253:{minors[volume.uuid]}", "0", sizes.disk(volume.size), "0", "lvm",
                 targets[0] if targets else ""))  # fmt: skip
    if volume.kind == THIN_POOL:
        kids = [one for one in storage.volumes_of(volume.group) if one.kind == THIN and one.pool == volume.name and one.active]
        for number, kid in enumerate(kids):
            last = number == len(kids) - 1
            _branch(storage, kid, rows, below + ("└─" if last else "├─"), below + ("  " if last else "│ "), minors)


def blkid(run: Run) -> None:
    """What is on each device."""
    for disk in run.storage.disks:
        pv = run.storage.pv(disk.device)
        if pv is not None and not disk.failed and (not run.words or disk.device in run.words):
            run.out.append(f'{disk.device}: UUID="{pv.uuid}" TYPE="LVM2_member"')
    for volume in run.storage.volumes:
        if volume.filesystem is not None and (not run.words or run.words[0] in (volume.device, volume.mapper)):
            one = volume.filesystem
            run.out.append(f'{volume.mapper}: UUID="{one.uuid}" BLOCK_SIZE="4096" TYPE="{one.kind}"')


__all__ = ["SNAPSHOT", "available", "blkid", "capacity", "df", "lsblk", "mkfs", "mount", "resize2fs", "room", "thin_used",
           "umount", "used", "xfs_growfs"]  # fmt: skip
