"""The CNI plugins of a machine: `wire` is the interface, `plugin` the process, each other module one plugin's ways."""

from k8s_tutor.node.cni.host_local import CniDisk
from k8s_tutor.node.cni.plugin import Cni, CniConfig
from k8s_tutor.node.cni.wire import CniAdd, CniCheck, CniDel, CniDone, CniError, CniInterface, CniIp, CniResult, CniRoute

__all__ = [
    "Cni", "CniAdd", "CniCheck", "CniConfig", "CniDel", "CniDisk", "CniDone", "CniError", "CniInterface", "CniIp", "CniResult",
    "CniRoute",
]  # fmt: skip
