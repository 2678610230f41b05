"""``etcdctl`` and ``etcdutl`` 3.6 as programs: `run` is the door.

A program yields bodies of `etcd.wire` and `etcd.admin` instead of HTTP requests; whoever runs it sends them to a member.
`asking` asks and fails in etcdctl's words, `printing` prints; then one module for each family of commands.
"""

from k8s_tutor.kubectl.etcdctl.commands import FLAGS, UTIL_FLAGS, run, run_util
from k8s_tutor.kubectl.etcdctl.upkeep import restore_asked

__all__ = ["FLAGS", "UTIL_FLAGS", "restore_asked", "run", "run_util"]
