"""One run of a command: its words, the storage as it goes along, and what it prints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from k8s_tutor.node.lvm import sizes
from k8s_tutor.node.lvm.model import EXTENT, LogicalVolume, PhysicalVolume, Storage, VolumeGroup

FAILED, USAGE = 5, 3
"""Exit statuses of LVM."""


class Outcome(NamedTuple):
    """What a command leads to. ``copies``: (place, place): files that must be copied, because a snapshot shows them."""

    storage: Storage
    stdout: str
    stderr: str
    code: int
    copies: tuple[tuple[str, str], ...] = ()


class Refused(Exception):
    """A command gives up; ``lines`` go to stderr."""

    def __init__(self, *lines: str, code: int = FAILED) -> None:
        super().__init__(lines)
        self.lines, self.code = lines, code


class Run:
    """A command that runs. ``flags``: the options that were given, by their long name."""

    def __init__(self, name: str, storage: Storage, flags: Mapping[str, str], words: tuple[str, ...]) -> None:
        self.name, self.storage, self.flags, self.words = name, storage, flags, words
        self.out: list[str] = []
        self.err: list[str] = []
        self.copies: list[tuple[str, str]] = []

    def say(self, text: str) -> None:
        """A line on stdout, as LVM indents it."""
        self.out.append(f"  {text}")

    def warn(self, text: str) -> None:
        """A line on stderr."""
        self.err.append(f"  {text}")

    def refused(self, *lines: str, code: int = FAILED) -> Refused:
        """The error that ends this run."""
        return Refused(*(f"  {line}" for line in lines), code=code)

    # ------------------------------------------------------------------ words

    def need(self, count: int, text: str) -> None:
        """Raises Refused when there are fewer words than that."""
        if len(self.words) < count:
            raise self.refused(text, f"Run `{self.name} --help' for more information.", code=USAGE)

    def group(self, name: str) -> VolumeGroup:
        """The volume group of that name."""
        found = self.storage.group(name.removeprefix("/dev/"))
        if found is None:
            raise self.refused(f'Volume group "{name}" not found', f"Cannot process volume group {name}")
        return found

    def volume(self, word: str) -> LogicalVolume:
        """The logical volume that a word names: ``data/db``, ``/dev/data/db``, ``/dev/mapper/data-db``."""
        found = self.storage.by_device(word)
        if found is not None:
            return found
        group, slash, name = word.removeprefix("/dev/").partition("/")
        if not slash:
            raise self.refused(f'"{word}": Invalid path for Logical Volume.')
        self.group(group)
        raise self.refused(f"Failed to find logical volume \"{group}/{name}\"")

    def pv(self, device: str) -> PhysicalVolume:
        """The physical volume on a device."""
        found = self.storage.pv(device)
        if found is None or self.storage.missing(found):
            raise self.refused(f'Failed to find physical volume "{device}".')
        return found

    def complete(self, group: VolumeGroup) -> None:
        """Raises Refused for a change of a group of which a disk is missing."""
        if self.storage.missing_in(group.name):
            raise self.refused(
                f"Cannot change VG {group.name} while PVs are missing.",
                "See vgreduce --removemissing and vgextend --restoremissing.",
                f"Cannot process volume group {group.name}",
            )  # fmt: skip

    def warn_missing(self) -> None:
        """What every command says while a disk is missing."""
        gone = [one for one in self.storage.pvs if one.group and self.storage.missing(one)]
        for pv in gone:
            self.warn(f"WARNING: Couldn't find device with uuid {pv.uuid}.")
        for pv in gone:
            self.warn(f"WARNING: VG {pv.group} is missing PV {pv.uuid} (last written to {pv.device}).")

    # ------------------------------------------------------------------ sizes

    def wanted(self, volume: LogicalVolume | None, group: str) -> int:
        """The extents that ``-L`` or ``-l`` ask for; with a sign they count from what the volume has."""
        before = volume.extents if volume is not None else 0
        if "size" in self.flags:
            sign, text = _signed(self.flags["size"])
            size = sizes.parse(text)
            if size is None:
                raise self.refused(f"Invalid argument for --size: {self.flags['size']}",
                                   "Error during parsing of command line.", code=USAGE)  # fmt: skip
            count = -(-size // EXTENT)
            if size % EXTENT:
                self.say(f"Rounding up size to full physical extent {sizes.long(count * EXTENT)}")
        else:
            sign, text = _signed(self.flags.get("extents", ""))
            count = self._extents(text, group, before)
        return before + count if sign == "+" else before - count if sign == "-" else count

    def _extents(self, text: str, group: str, before: int) -> int:
        number, percent, what = text.partition("%")
        if not number.isdigit():
            raise self.refused(f"Invalid argument for --extents: {text}", "Error during parsing of command line.", code=USAGE)
        if not percent:
            return int(number)
        free, every = self.storage.free(group), self.storage.extents(group)
        whole = {"FREE": free, "VG": every, "PVS": every}.get(what.upper(), before if what.upper() in ("LV", "ORIGIN") else -1)
        if whole < 0:
            raise self.refused(f"Invalid argument for --extents: {text}", "Error during parsing of command line.", code=USAGE)
        return whole * int(number) // 100


def _signed(text: str) -> tuple[str, str]:
    return (text[0], text[1:]) if text[:1] in ("+", "-") else ("", text)
