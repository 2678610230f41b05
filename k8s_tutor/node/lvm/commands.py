"""The commands that somebody can type on a machine about its disks: name → pure function."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from k8s_tutor.node.lvm import filesystems, groups, reports, volumes
from k8s_tutor.node.lvm.model import Storage
from k8s_tutor.node.lvm.running import USAGE, Outcome, Refused, Run


class Command(NamedTuple):
    """``flags``: ``long:short``, with ``=`` behind those that take a value."""

    run: Callable[[Run], None]
    flags: str = ""


_ALWAYS = "yes:y force:f verbose:v quiet:q test:t "
_SIZE = "size:L= extents:l= "
_REPORT = "options:o= all:a noheadings units= sort:O= segments separator= "
COMMANDS: dict[str, Command] = {
    "pvcreate": Command(groups.pvcreate, _ALWAYS),
    "pvremove": Command(groups.pvremove, _ALWAYS),
    "pvmove": Command(groups.pvmove, _ALWAYS + "name:n= interval:i="),
    "vgcreate": Command(groups.vgcreate, _ALWAYS),
    "vgextend": Command(groups.vgextend, _ALWAYS + "restoremissing"),
    "vgreduce": Command(groups.vgreduce, _ALWAYS + "removemissing all:a"),
    "vgremove": Command(groups.vgremove, _ALWAYS),
    "lvcreate": Command(
        volumes.lvcreate, _ALWAYS + _SIZE + "name:n= snapshot:s thin:T thinpool= type= virtualsize:V= addtag= activate:a= "
        "wipesignatures:W= setactivationskip:k= ignoreactivationskip:K"),
    "lvextend": Command(volumes.lvextend, _ALWAYS + _SIZE + "resizefs:r"),
    "lvreduce": Command(volumes.lvreduce, _ALWAYS + _SIZE + "resizefs:r"),
    "lvresize": Command(volumes.lvresize, _ALWAYS + _SIZE + "resizefs:r"),
    "lvremove": Command(volumes.lvremove, _ALWAYS),
    "lvrename": Command(volumes.lvrename, _ALWAYS),
    "lvchange": Command(volumes.lvchange, _ALWAYS + "activate:a= ignoreactivationskip:K"),
    "lvconvert": Command(volumes.lvconvert, _ALWAYS + "merge"),
    "pvs": Command(reports.report, _REPORT),
    "vgs": Command(reports.report, _REPORT),
    "lvs": Command(reports.report, _REPORT),
    "pvdisplay": Command(reports.display, "colon:c short:s maps:m"),
    "vgdisplay": Command(reports.display, "colon:c short:s verbose:v"),
    "lvdisplay": Command(reports.display, "colon:c maps:m all:a"),
    "mkfs": Command(filesystems.mkfs, "type:t= quick:q"),
    "mkfs.ext4": Command(filesystems.mkfs, "label:L= quick:q force:F inodes:m="),
    "mkfs.xfs": Command(filesystems.mkfs, "label:L= force:f quiet:q"),
    "resize2fs": Command(filesystems.resize2fs, "force:f progress:p"),
    "xfs_growfs": Command(filesystems.xfs_growfs, "data:d"),
    "mount": Command(filesystems.mount, "type:t= options:o="),
    "umount": Command(filesystems.umount, "lazy:l force:f"),
    "df": Command(filesystems.df, "human:h types:T all:a"),
    "lsblk": Command(filesystems.lsblk, "fs:f paths:p"),
    "blkid": Command(filesystems.blkid),
}  # fmt: skip


def run(storage: Storage, argv: tuple[str, ...]) -> Outcome:
    """Runs one command. Nothing of it holds when it fails, but for what it had finished before (as with LVM, several words are
    worked on one after the other). Never raises for what somebody types."""
    name, *words = argv
    command = COMMANDS.get(name.rpartition("/")[2])
    if command is None:
        return Outcome(storage, "", f"{name}: command not found\n", 127)
    try:
        flags, rest = _read(name, command.flags, words)
    except Refused as refusal:
        return Outcome(storage, "", "".join(f"{line}\n" for line in refusal.lines), refusal.code)
    running, code = Run(name.rpartition("/")[2], storage, flags, rest), 0
    try:
        command.run(running)
    except Refused as refusal:
        running.err += refusal.lines
        code = refusal.code
    out, err = ("".join(f"{line}\n" for line in lines) for lines in (running.out, running.err))
    return Outcome(running.storage, out, err, code, tuple(running.copies))


def _read(name: str, spec: str, words: list[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Options by their long name, and the other words. Raises Refused for an option that there is not."""
    longs, shorts, takes = {}, {}, set[str]()
    for one in spec.split():
        long, _, short = one.rstrip("=").partition(":")
        longs[long], shorts[short] = long, long
        if one.endswith("="):
            takes.add(long)
    flags: dict[str, str] = {}
    rest: list[str] = []
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word.startswith("--"):
            key, given, value = word[2:].partition("=")
            option, left = longs.get(key, ""), value if given else None
        elif word.startswith("-") and len(word) > 1 and not word[1].isdigit():
            option, left = shorts.get(word[1], ""), word[2:] or None
            if option and option not in takes and left:
                queue.insert(0, f"-{left}")
                left = None
        else:
            rest.append(word)
            continue
        if not option:
            bad = f"unrecognized option '{word}'" if word.startswith("--") else f"invalid option -- '{word[1]}'"
            raise Refused(f"{name}: {bad}", "  Error during parsing of command line.", code=USAGE)
        if option in takes:
            if left is None and not queue:
                wanting = f"option '{word}' requires an argument" if word.startswith("--") else (
                    f"option requires an argument -- '{word[1]}'")  # fmt: skip
                raise Refused(f"{name}: {wanting}", "  Error during parsing of command line.", code=USAGE)
            flags[option] = left if left is not None else queue.pop(0)
        else:
            flags[option] = ""
    return flags, tuple(rest)
