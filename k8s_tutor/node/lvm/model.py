"""The disks of a machine under LVM, as values: disks, physical volumes, volume groups, logical volumes, file systems, mounts.

Everything is immutable; a command is a function from one `Storage` to the next. Sizes of volumes are counted in extents of
4 MiB, all others in bytes.

Source: lvm(8), lvmthin(7); lib/metadata of lvm2 2.03.
"""

from __future__ import annotations

from itertools import pairwise
from zlib import crc32

import msgspec

from k8s_tutor.sim import Body

EXTENT = 4 << 20
"""Bytes of a physical extent."""
DATA_START = 1 << 20
"""Bytes of a physical volume before its first extent (pe_start): LVM's own metadata."""
LINEAR, THIN_POOL, THIN, SNAPSHOT = "linear", "thin-pool", "thin", "snapshot"
_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

replace = msgspec.structs.replace


class Disk(Body):
    """A disk of the machine. ``name``: ``sdb``; ``size`` in bytes; ``failed``: every read and write of it ends in an error."""

    name: str
    size: int
    failed: bool = False

    @property
    def device(self) -> str:
        """``/dev/sdb``."""
        return f"/dev/{self.name}"


class PhysicalVolume(Body):
    """A disk that LVM may use. ``group`` is empty before a volume group has it."""

    device: str
    uuid: str
    size: int
    group: str = ""

    @property
    def extents(self) -> int:
        """How many extents fit on it."""
        return (self.size - DATA_START) // EXTENT


class VolumeGroup(Body):
    """A pool of physical volumes. ``sequence`` counts the changes of its metadata."""

    name: str
    uuid: str
    sequence: int = 1


class Segment(Body):
    """A row of extents of one physical volume (by uuid) that belongs to a logical volume."""

    pv: str
    start: int
    count: int


class FileSystem(Body):
    """What mkfs has made. ``size`` in bytes: it may be smaller than its volume; ``place``: where its files are kept (see
    `node.shell.files`)."""

    kind: str
    size: int
    place: str
    uuid: str


class LogicalVolume(Body):
    """A volume of a group. ``segments`` are in order; a thin one has none, it takes what it needs from its ``pool``.
    ``metadata``: the extents of a thin pool beside its data. ``base``: bytes that were used when a snapshot was taken."""

    name: str
    group: str
    uuid: str
    extents: int
    segments: tuple[Segment, ...] = ()
    kind: str = LINEAR
    pool: str = ""
    origin: str = ""
    filesystem: FileSystem | None = None
    active: bool = True
    base: int = 0
    metadata: tuple[Segment, ...] = ()
    tags: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes."""
        return self.extents * EXTENT

    @property
    def full_name(self) -> str:
        """``data/db``."""
        return f"{self.group}/{self.name}"

    @property
    def device(self) -> str:
        """``/dev/data/db``."""
        return f"/dev/{self.full_name}"

    @property
    def mapper(self) -> str:
        """``/dev/mapper/data-db``: hyphens of names are doubled."""
        return f"/dev/mapper/{self.group.replace('-', '--')}-{self.name.replace('-', '--')}"


class Mounted(Body):
    """A file system that can be seen at a path of the machine. ``place``: where its files are kept."""

    target: str
    source: str
    place: str
    read_only: bool = False


class Storage(Body):
    """All of it. ``root``: bytes of the disk ``sda`` that the machine itself is on; ``used``: bytes in use by place, which
    whoever keeps the files fills in; ``serial`` counts what has been made, for names that are never used twice."""

    node: str = ""
    root: int = 0
    disks: tuple[Disk, ...] = ()
    pvs: tuple[PhysicalVolume, ...] = ()
    groups: tuple[VolumeGroup, ...] = ()
    volumes: tuple[LogicalVolume, ...] = ()
    mounts: tuple[Mounted, ...] = ()
    used: tuple[tuple[str, int], ...] = ()
    serial: int = 0

    # ------------------------------------------------------------------ finding

    def disk(self, device: str) -> Disk | None:
        """The disk of that path."""
        return next((one for one in self.disks if one.device == device), None)

    def pv(self, device: str) -> PhysicalVolume | None:
        """The physical volume on that path."""
        return next((one for one in self.pvs if one.device == device), None)

    def group(self, name: str) -> VolumeGroup | None:
        """The volume group of that name."""
        return next((one for one in self.groups if one.name == name), None)

    def volume(self, group: str, name: str) -> LogicalVolume | None:
        """The logical volume of that name."""
        return next((one for one in self.volumes if (one.group, one.name) == (group, name)), None)

    def by_device(self, path: str) -> LogicalVolume | None:
        """The logical volume behind ``/dev/data/db``, ``/dev/mapper/data-db`` or ``data/db``."""
        return next((one for one in self.volumes if path in (one.device, one.mapper, one.full_name)), None)

    def members(self, group: str) -> tuple[PhysicalVolume, ...]:
        """The physical volumes of a group."""
        return tuple(one for one in self.pvs if one.group == group)

    def volumes_of(self, group: str) -> tuple[LogicalVolume, ...]:
        """The logical volumes of a group, by name."""
        return tuple(sorted((one for one in self.volumes if one.group == group), key=lambda one: one.name))

    def mounts_of(self, volume: LogicalVolume) -> tuple[Mounted, ...]:
        """Where the file system of a volume is mounted."""
        place = volume.filesystem.place if volume.filesystem is not None else ""
        return tuple(one for one in self.mounts if place and one.place == place)

    def usage(self, place: str) -> int:
        """Bytes of the files at a place."""
        return dict(self.used).get(place, 0)

    # ------------------------------------------------------------------ extents

    def taken(self, pv: PhysicalVolume) -> tuple[tuple[int, int, str], ...]:
        """The extents of a physical volume that volumes have: (start, count, name), in order."""
        found = [
            (one.start, one.count, volume.name)
            for volume in self.volumes for one in (*volume.segments, *volume.metadata) if one.pv == pv.uuid
        ]  # fmt: skip
        return tuple(sorted(found))

    def free_of(self, pv: PhysicalVolume) -> int:
        """Extents of a physical volume that nobody has."""
        return pv.extents - sum(count for _, count, _ in self.taken(pv))

    def free(self, group: str) -> int:
        """Extents of a group that nobody has. A disk that is missing gives none."""
        return sum(self.free_of(one) for one in self.members(group) if not self.missing(one))

    def extents(self, group: str) -> int:
        """All extents of a group."""
        return sum(one.extents for one in self.members(group))

    def holes(self, pv: PhysicalVolume) -> list[tuple[int, int]]:
        """The free rows of a physical volume: (start, count)."""
        found, at = [], 0
        for start, count, _ in self.taken(pv):
            if start > at:
                found.append((at, start - at))
            at = start + count
        return [*found, (at, pv.extents - at)] if at < pv.extents else found

    # ------------------------------------------------------------------ health

    def missing(self, pv: PhysicalVolume) -> bool:
        """Whether the disk of a physical volume does not answer."""
        disk = self.disk(pv.device)
        return disk is None or disk.failed

    def missing_in(self, group: str) -> tuple[PhysicalVolume, ...]:
        """The physical volumes of a group whose disks do not answer."""
        return tuple(one for one in self.members(group) if self.missing(one))

    def broken(self, volume: LogicalVolume) -> bool:
        """Whether part of a volume lies on a disk that does not answer."""
        gone = [one.uuid for one in self.missing_in(volume.group)]
        own = any(one.pv in gone for one in (*volume.segments, *volume.metadata))
        below = self.volume(volume.group, volume.pool or volume.origin) if volume.pool or volume.kind == SNAPSHOT else None
        return own or (below is not None and self.broken(below))

    # ------------------------------------------------------------------ changing

    def with_volume(self, volume: LogicalVolume) -> Storage:
        """With this volume in place of the one of the same uuid, or besides all others. A change of a group's metadata."""
        rest = tuple(one for one in self.volumes if one.uuid != volume.uuid)
        return replace(self, volumes=(*rest, volume)).changed(volume.group)

    def without_volume(self, volume: LogicalVolume) -> Storage:
        """Without this volume."""
        return replace(self, volumes=tuple(one for one in self.volumes if one.uuid != volume.uuid)).changed(volume.group)

    def with_pv(self, pv: PhysicalVolume) -> Storage:
        """With this physical volume in place of the one on the same disk."""
        return replace(self, pvs=tuple(sorted((*(o for o in self.pvs if o.uuid != pv.uuid), pv), key=lambda o: o.device)))

    def changed(self, group: str) -> Storage:
        """The metadata of a group have been written once more."""
        groups = tuple(replace(one, sequence=one.sequence + 1) if one.name == group else one for one in self.groups)
        return replace(self, groups=groups)

    def with_filesystem(self, volume: LogicalVolume, filesystem: FileSystem | None) -> Storage:
        """With another file system on a volume: LVM itself does not notice."""
        fresh = replace(volume, filesystem=filesystem)
        return replace(self, volumes=tuple(fresh if one.uuid == volume.uuid else one for one in self.volumes))

    def made(self) -> tuple[Storage, int]:
        """A number that has never been used, and the storage that knows that it has been."""
        return replace(self, serial=self.serial + 1), self.serial + 1


def lvm_uuid(node: str, serial: int) -> str:
    """``Zr3OhD-8vJq-...``: 32 letters, as LVM prints them."""
    letters, seed = "", crc32(f"lvm {node} {serial}".encode())
    for place in range(32):
        seed = crc32(b"%d %d" % (seed, place))
        letters += _LETTERS[seed % len(_LETTERS)]
    cuts = (0, 6, 10, 14, 18, 22, 26, 32)
    return "-".join(letters[start:end] for start, end in pairwise(cuts))


def filesystem_uuid(node: str, serial: int) -> str:
    """A UUID as mkfs draws it."""
    text = "".join(f"{crc32(f'fs {node} {serial} {place}'.encode()):08x}" for place in range(4))
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:32]}"
