"""The file system of a container: the image's files below, what was written above, volumes beside.

Written files live in one dictionary of the machine: ``<place>:<path>`` → text, None for what was removed; a directory ends
with ``/``. The place is the container, or below a mount that of a volume (``pods/<uid>/<volume>``), or ``host``.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from fnmatch import fnmatchcase
from typing import Protocol

from k8s_tutor.sim import Body

DIRECTORIES = (
    "/bin", "/dev", "/etc", "/home", "/lib", "/mnt", "/opt", "/proc", "/root", "/run", "/sbin", "/srv", "/sys", "/tmp", "/usr",
    "/usr/bin", "/usr/local", "/usr/share", "/var", "/var/log", "/var/lib", "/var/run",
)  # fmt: skip
DEVICES = ("/dev/null", "/dev/zero", "/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/random", "/dev/urandom")
READ_ONLY = ("/proc", "/sys")


VOLUME = "fs-"
"""How the places of file systems on volumes of their own begin; all others lie on the machine's own disk."""
ZEROS = "\0"
"""A file that begins with it stands for so many zero bytes as the number behind it says."""


def size(text: str) -> int:
    """Bytes of a file."""
    return int(text[1:]) if text.startswith(ZEROS) else len(text.encode())


class Mount(Body):
    """Below ``path`` a container sees the files of a ``place`` that begin with ``prefix``."""

    path: str
    place: str
    prefix: str = ""
    read_only: bool = False


class Ground(Protocol):
    """What places lie on: disks that have an end, and that fail."""

    def room(self, place: str) -> int:
        """Bytes that can still be written there."""

    def fault(self, place: str) -> str:
        """The kernel's words for a place that cannot be read or written, or empty."""

    def figures(self, place: str) -> tuple[str, int, int, int]:
        """Device, and bytes: size, used, available."""


class Files:
    """The files of one container. ``image``: path → text, never written; ``mounts``: the deepest first."""

    def __init__(
        self, place: str, image: Mapping[str, str], written: MutableMapping[str, str | None],
        mounts: tuple[Mount, ...] = (), ground: Ground | None = None,
    ) -> None:  # fmt: skip
        self._place, self._image, self._written, self._mounts = place, image, written, mounts
        self._ground = ground

    def file_systems(self) -> list[tuple[str, str, int, int, int]]:
        """Rows of ``df``: where, device, and bytes: size, used, available."""
        if self._ground is None:
            return []
        places = [("/", self._place), *((mount.path, mount.place) for mount in reversed(self._mounts))]
        return [(path, *self._ground.figures(place)) for path, place in places]

    def _touch(self, key: str, more: int = 0) -> None:
        """Raises OSError when what a key lies on has failed, or has no room for so many bytes more."""
        place = key.partition(":")[0]
        if self._ground is None or not place.startswith(VOLUME):
            return
        fault = self._ground.fault(place)
        if fault:
            raise OSError(fault)
        if more > 0 and more > self._ground.room(place):
            raise OSError("No space left on device")

    def _key(self, path: str) -> str:
        mount = self._mount(path)
        if mount is not None:
            return f"{mount.place}:{mount.prefix + path[len(mount.path):] or '/'}"
        return f"{self._place}:{path}"

    def _mount(self, path: str) -> Mount | None:
        return next((one for one in self._mounts if path == one.path or path.startswith(one.path + "/")), None)

    def read(self, path: str) -> str | None:
        """The text of a file, or None. What a file of zeros holds cannot be seen."""
        found = self.raw(path)
        return "" if found is not None and found.startswith(ZEROS) else found

    def raw(self, path: str) -> str | None:
        """The same as it is kept (see `ZEROS`)."""
        key = self._key(path)
        self._touch(key)
        if key in self._written:
            return self._written[key]
        if not key.startswith(self._place + ":"):
            return None  # what a volume is mounted over cannot be seen
        if path in DEVICES:
            return ""
        return self._image.get(path)

    def is_dir(self, path: str) -> bool:
        """Whether this is a directory."""
        key = self._key(path)
        if self._written.get(key) is not None:
            return False
        if path == "/" or self._written.get(key + "/") is not None or any(path == mount.path for mount in self._mounts):
            return True
        if key + "/" in self._written:
            return False
        return path in DIRECTORIES or bool(self._below(path))

    def exists(self, path: str) -> bool:
        """Whether there is a file or a directory."""
        return self.read(path) is not None or self.is_dir(path)

    def check(self, path: str) -> None:
        """Raises OSError, with the shell's words, when no file can be written there."""
        mount = self._mount(path)
        if path.startswith(READ_ONLY) or (mount is not None and mount.read_only):
            raise OSError(f"can't create {path}: Read-only file system")
        if self.is_dir(path):
            raise OSError(f"can't create {path}: Is a directory")
        if not self.is_dir(path.rpartition("/")[0] or "/"):
            raise OSError(f"can't create {path}: nonexistent directory")

    def write(self, path: str, text: str, append: bool = False) -> None:
        """Writes a file. What goes to a device is gone. Raises OSError when there is no room: what fits is written."""
        if path in DEVICES:
            return
        before = self.raw(path) or "" if append else ""
        if before.startswith(ZEROS):
            before, text = f"{ZEROS}{size(before) + len(text.encode())}", ""
        key, fresh = self._key(path), before + text
        try:
            self._touch(key, size(fresh) - size(self._written.get(key) or ""))
        except OSError:
            if self._ground is not None and not self._ground.fault(key.partition(":")[0]):
                fits = self._ground.room(key.partition(":")[0]) + size(self._written.get(key) or "")
                part = fresh.encode()[:fits].decode("utf-8", "ignore")
                self._written[key] = f"{ZEROS}{fits}" if fresh.startswith(ZEROS) else part
            raise
        self._written[key] = fresh

    def make(self, path: str) -> None:
        """Makes a directory."""
        self._written[self._key(path) + "/"] = ""

    def remove(self, path: str) -> None:
        """Removes a file, or a directory with all that is in it."""
        for name in self._below(path):
            self._written[self._key(f"{path}/{name}")] = None
        key = self._key(path)
        for known in [known for known in self._written if known.startswith(key + "/")]:
            self._written[known] = None
        self._written[key + "/" if self.is_dir(path) else key] = None

    def listing(self, path: str) -> list[str]:
        """Names in a directory, in order."""
        return sorted(self._below(path))

    def _below(self, path: str) -> dict[str, None]:
        base = path.rstrip("/") + "/"
        found: dict[str, None] = {}
        own = self._key(base).startswith(self._place + ":")
        for known in (*(self._image if own else ()), *DIRECTORIES, *DEVICES, *(mount.path for mount in self._mounts)):
            if known.startswith(base) and known != base:
                found[known[len(base) :].partition("/")[0]] = None
        key = self._key(base.rstrip("/") or "/").rstrip("/") + "/"
        for known, text in self._written.items():
            if known.startswith(key) and known != key:
                name, _, rest = known[len(key) :].partition("/")
                if text is not None:
                    found[name] = None
                elif not rest:
                    found.pop(name, None)
        return found

    def glob(self, pattern: str, cwd: str) -> list[str]:
        """Paths that a pattern stands for (in its last part), in order."""
        folder, slash, last = pattern.rpartition("/")
        where = folder if folder.startswith("/") else f"{cwd.rstrip('/')}/{folder}".rstrip("/")
        where = "/" if slash and not folder else where or "/"
        names = [name for name in self.listing(where) if fnmatchcase(name, last)]
        return [f"{folder}{slash}{name}" for name in names if last.startswith(".") or not name.startswith(".")]
