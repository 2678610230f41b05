"""The DaemonSet controller: one pod on each node that fits (pkg/controller/daemon)."""

from k8s_tutor.controllers.daemonset.controller import DaemonSetController
from k8s_tutor.controllers.daemonset.reconcile import reconcile

__all__ = ["DaemonSetController", "reconcile"]
