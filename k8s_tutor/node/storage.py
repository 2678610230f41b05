"""The disks of a machine, as its kernel has them: commands that somebody types, mounts of pods, and what happens when a disk is
full or fails.

Volumes outlive the machine's crash, mounts do not.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from k8s_tutor.api.ssh import CommandDone
from k8s_tutor.node import lvm
from k8s_tutor.node.logs import LogDisk
from k8s_tutor.node.lvm import filesystems
from k8s_tutor.node.lvm.model import Disk, Storage
from k8s_tutor.node.machine_files import MachineFiles
from k8s_tutor.node.shell.files import VOLUME, Ground, Mount, size
from k8s_tutor.sim import Body, Context

MOUNT = "mnt/"
"""How the place of a mount begins whose rest is a path of the machine: what is mounted there decides."""
replace = msgspec.structs.replace


class DiskFault(Body):
    """From outside: a disk of the machine fails, or is mended."""

    disk: str
    failed: bool


class Volumes:
    """The places of a machine and what they lie on (see `shell.files.Ground`). Looked at for one burst of a process."""

    def __init__(self, storage: Storage, files: Mapping[str, str | None]) -> None:
        self._storage, self._files = storage, files

    def _now(self) -> Storage:
        return replace(self._storage, used=usage(self._files))

    def room(self, place: str) -> int:
        """Bytes that can still be written there."""
        return filesystems.room(self._now(), place)

    def fault(self, place: str) -> str:
        """The kernel's words for a place that cannot be read or written, or empty."""
        volume = filesystems.holder(self._storage, place)
        return "Input/output error" if volume is None or self._storage.broken(volume) else ""

    def figures(self, place: str) -> tuple[str, int, int, int]:
        """Device, and bytes: size, used, available."""
        storage = self._now()
        volume = filesystems.holder(storage, place)
        if volume is None or volume.filesystem is None:
            own = sum(length for where, length in storage.used if not where.startswith(VOLUME))
            name = "/dev/sda1" if place.startswith(("pods/", "host")) else "tmpfs" if place.startswith("memory/") else "overlay"
            return name, storage.root, own, max(0, storage.root - own)
        one = volume.filesystem
        return volume.mapper, filesystems.capacity(one), filesystems.used(storage, one), filesystems.available(storage, one)


def usage(files: Mapping[str, str | None]) -> tuple[tuple[str, int], ...]:
    """Bytes of the files at each place."""
    found: dict[str, int] = {}
    for key, text in files.items():
        if text:
            place = key.partition(":")[0]
            found[place] = found.get(place, 0) + size(text)
    return tuple(found.items())


def storage_of(disk: LogDisk) -> Storage:
    """The disks of a machine, with what is in use."""
    return replace(disk.storage, used=usage(disk.files))


class MachineStorage(MachineFiles):
    """The part of the shims that stands for the machine's disks."""

    def start(self, ctx: Context) -> None:
        config = self.config
        if not self.disk.installed:
            disks = tuple(Disk(name, length) for name, length in config.disks)
            self.disk.storage = Storage(config.node, config.root, disks)
            for argv in config.setup:
                self.command(ctx, argv)
        self.disk.storage = replace(self.disk.storage, mounts=())
        super().start(ctx)

    def ground(self) -> Ground:
        return Volumes(self.disk.storage, self.files)

    def storage_now(self) -> Storage:
        """The disks, with what is in use."""
        return storage_of(self.disk)

    def command(self, ctx: Context, argv: tuple[str, ...]) -> CommandDone:
        """Runs a command about disks, and carries files along: snapshots show copies, what was wiped is gone."""
        before = self.disk.storage
        done = lvm.run(self.storage_now(), argv)
        self.disk.storage = replace(done.storage, used=())
        for source, target in done.copies:
            for key, text in list(self.files.items()):
                if key.startswith(source + ":"):
                    self.files[f"{target}:{key[len(source) + 1:]}"] = text
        if before.volumes != self.disk.storage.volumes:
            ctx.decide()
            ctx.note("disk.changed", node=self.config.node, line=" ".join(argv))
            for place in _places(before) - _places(self.disk.storage):
                self._clear(place + ":")
        return CommandDone(done.stdout, done.stderr, done.code)

    def disk_fault(self, ctx: Context, fault: DiskFault) -> None:
        """A disk answers no more, or again."""
        storage = self.disk.storage
        disks = tuple(replace(one, failed=fault.failed) if one.name == fault.disk else one for one in storage.disks)
        self.disk.storage = replace(storage, disks=disks)
        ctx.decide()
        ctx.note("disk.failed" if fault.failed else "disk.mended", node=self.config.node, disk=fault.disk)

    def grounded(self, mounts: tuple[Mount, ...]) -> tuple[Mount, ...]:
        """The mounts of a container that begins now: a path of the machine stands for what is mounted there."""
        found = []
        for one in mounts:
            path = one.place.removeprefix(MOUNT)
            here = [mounted for mounted in self.disk.storage.mounts if mounted.target == path]
            if one.place.startswith(MOUNT) and here:
                one = replace(one, place=here[-1].place, read_only=one.read_only or here[-1].read_only)
            found.append(one)
        return tuple(found)


    def unmount_below(self, folder: str) -> None:
        """What is mounted below a path of the machine is not any more."""
        mounts = tuple(one for one in self.disk.storage.mounts if not one.target.startswith(folder))
        self.disk.storage = replace(self.disk.storage, mounts=mounts)


def _places(storage: Storage) -> set[str]:
    return {one.filesystem.place for one in storage.volumes if one.filesystem is not None}
