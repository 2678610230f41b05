"""A container as the processes in it see it: files, variables, names, other processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from functools import lru_cache

from k8s_tutor.node import toolbox
from k8s_tutor.node.kernel import HOST, Kernel
from k8s_tutor.node.net_tools import Printed, busybox_ip
from k8s_tutor.node.programs import Program
from k8s_tutor.node.shell.files import Files, Ground
from k8s_tutor.node.shell.machine import Running
from k8s_tutor.node.tasks import Pod, Task
from k8s_tutor.sim import SECOND

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_RELEASES = {
    "alpine": 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.22.2\nPRETTY_NAME="Alpine Linux v3.22"\n',
    "debian": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n',
    "ubi": 'NAME="Red Hat Enterprise Linux"\nVERSION="9.6 (Plow)"\nID="rhel"\n',
}


@lru_cache(maxsize=512)
def _image_files(program: Program) -> Mapping[str, str]:
    """What comes with the image."""
    release = _RELEASES.get(program.tools.split("+")[0], _RELEASES["alpine"])
    users = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
    found = {"/etc/passwd": users, "/etc/os-release": release}
    for tool in toolbox.names(program.tools):
        found[f"/bin/{tool}"] = ""
    return {**found, **dict(program.files)}


class ContainerBox:
    """One container at one moment (see `shell.machine.Box`)."""

    def __init__(
        self, task: Task, pod: Pod, now: int, epoch: int, written: MutableMapping[str, str | None],
        processes: Callable[[str], list[Running]], kill: Callable[[str, int, int], bool], cgroup: Mapping[str, str],
        ground: Ground | None = None, kernel: Kernel | None = None,
    ) -> None:  # fmt: skip
        self._task, self._processes, self._kill = task, processes, kill
        self._kernel = kernel or Kernel()
        self.hostname, self.ip, self.now, self.epoch = pod.name, pod.ip, now, epoch
        self.image = task.program.names
        self.answers = dict(task.program.answers)
        self.tools = task.program.tools
        self.lenient = not self.tools
        image = {**_image_files(task.program), **self._own_files(pod), **cgroup}
        self.files = Files(task.container, image, written, task.spec.mounts, ground)

    def _own_files(self, pod: Pod) -> dict[str, str]:
        """What kubelet and kernel put there."""
        hosts = (
            "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
            "fe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\nfe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n"
            f"{pod.ip}\t{pod.domain + chr(9) if pod.domain else ''}{pod.name}\n"
        )
        argv = self._task.spec.process.argv
        return {
            "/etc/hostname": pod.name + "\n", "/etc/hosts": hosts,
            "/etc/resolv.conf": pod.resolv,
            "/proc/1/cmdline": "".join(word + "\0" for word in argv),
            "/proc/1/comm": (argv[0].rsplit("/", 1)[-1] if argv else "") + "\n",
            "/proc/1/environ": "".join(f"{name}={value}\0" for name, value in self.env().items()),
            "/proc/uptime": f"{self.now // SECOND}.00 {self.now // SECOND}.00\n",
            "/proc/loadavg": "0.00 0.00 0.00 1/64 1\n", "/proc/version": "Linux version 6.12.48\n",
        }  # fmt: skip

    def env(self) -> dict[str, str]:
        """The variables that the container was given."""
        own = {"PATH": PATH, "HOSTNAME": self.hostname, "HOME": "/root"}
        return {**own, **dict(self._task.program.env), **dict(self._task.spec.env)}

    def network(self, argv: list[str]) -> Printed:
        """What ``ip`` prints here."""
        sandbox = self._task.sandbox
        return busybox_ip(self._kernel, sandbox if sandbox in self._kernel.namespaces else HOST, argv)

    def has(self, tool: str) -> bool:
        """Whether the image brings this tool."""
        return toolbox.has(self._task.program.tools, tool)

    def running(self) -> list[Running]:
        """The processes of the container."""
        return self._processes(self._task.container)

    def kill(self, pid: int, number: int) -> bool:
        """Sends a signal; False when there is no such process."""
        return self._kill(self._task.container, pid, number)
