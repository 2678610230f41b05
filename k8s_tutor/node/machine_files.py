"""The file system of a machine: what the kubelet writes into volumes, and what hostPaths show."""

from __future__ import annotations

from k8s_tutor.node.shell.files import VOLUME, size
from k8s_tutor.node.sockets import Sockets
from k8s_tutor.node.tasks import CheckPaths, CopyVolume, PathsChecked, Pressure, RemoveVolumes, WriteVolume
from k8s_tutor.node.volumes import HOST
from k8s_tutor.sim import Body, Context

_KINDS = {
    "Directory": "directory", "File": "file", "Socket": "socket file", "CharDevice": "character device",
    "BlockDevice": "block device",
}  # fmt: skip
MANIFESTS = f"{HOST}:/etc/kubernetes/manifests/"
LASTING = ("pods/", HOST + ":", VOLUME)
"""Places whose files a crash of the machine leaves."""


class MachineFiles(Sockets):
    """The part of the shims that stands for the machine's disk."""

    def start(self, ctx: Context) -> None:
        """What was in memory or in containers is gone, and so are containers that are processes of their own."""
        if self.disk.installed:
            for _, child in self.config.processes:
                ctx.stop(child)
        if not self.disk.installed:
            self.disk.installed = True
            self.files.update({f"{HOST}:{path}": text for path, text in self.config.files})
        for key in [key for key in self.files if not key.startswith(LASTING)]:
            del self.files[key]

    def write_files(self, body: Body) -> None:
        """Carries out what the kubelet wants of the disk."""
        if isinstance(body, WriteVolume):
            self._clear(body.place + ":")
            self.files.update({f"{body.place}:/{path}": text for path, text in body.files})
        elif isinstance(body, CopyVolume):
            mark = body.source + ":" + body.path
            for key, text in list(self.files.items()):
                if key == mark or key.startswith(mark + "/"):
                    self.files[f"{body.target}:{key[len(body.source) + 1:]}"] = text
        elif isinstance(body, RemoveVolumes):
            for kind in ("pods", "memory"):
                self._clear(f"{kind}/{body.uid}/")

    def _clear(self, mark: str) -> None:
        for key in [key for key in self.files if key.startswith(mark)]:
            del self.files[key]

    def pressure(self, ctx: Context) -> Pressure:
        """What is used of memory and disk."""
        found: dict[str, int] = {}
        manifests = []
        for key, text in self.files.items():
            if text and key.startswith(MANIFESTS):
                manifests.append((key.removeprefix(HOST + ":"), text))
            if text and not key.startswith(("memory/", VOLUME)):
                place = key.partition(":")[0]
                found[place] = found.get(place, 0) + size(text)
        return Pressure(self.stats(ctx), tuple(found.items()), tuple(sorted(manifests)))

    def check_paths(self, asked: CheckPaths) -> PathsChecked:
        """Looks whether hostPaths are what they are said to be, and makes what may be made
        (pkg/volume/hostpath/host_path.go)."""
        for name, path, kind in asked.paths:
            key = f"{HOST}:{path.rstrip('/')}"
            is_file = self.files.get(key) is not None
            is_dir = not is_file and any(known.startswith(key + "/") and text is not None for known, text in self.files.items())
            if kind == "DirectoryOrCreate" and not is_file:
                self.files[key + "/"] = ""
            elif kind == "FileOrCreate" and not is_dir:
                self.files.setdefault(key, "")
            elif not (is_dir if kind.startswith("Directory") else is_file and kind.startswith("File")):
                text = f"hostPath type check failed: {path} is not a {_KINDS[kind.removesuffix('OrCreate')]}"
                return PathsChecked(f'MountVolume.SetUp failed for volume "{name}" : {text}')
        return PathsChecked("")
