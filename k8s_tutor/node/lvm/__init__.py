"""A machine's disks under LVM, as a pure model: `run` carries out a command (``lvcreate -L 1G -n db data``) on a `Storage`."""

from k8s_tutor.node.lvm.commands import COMMANDS, run
from k8s_tutor.node.lvm.model import Disk, Mounted, Storage
from k8s_tutor.node.lvm.running import Outcome

__all__ = ["COMMANDS", "Disk", "Mounted", "Outcome", "Storage", "run"]
