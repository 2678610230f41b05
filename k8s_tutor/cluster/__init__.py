"""The door of the engine. `Cluster` takes a `ClusterSpec` and typed `inputs`, and gives frozen `views`."""

from k8s_tutor.cluster import inputs, views
from k8s_tutor.cluster.cluster import Cluster, InputError, SessionError
from k8s_tutor.cluster.spec import ClusterSpec

__all__ = ["Cluster", "ClusterSpec", "InputError", "SessionError", "inputs", "views"]
