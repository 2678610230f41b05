"""The StatefulSet controller: pods with names, in order, each with its own claims (pkg/controller/statefulset)."""

from k8s_tutor.controllers.statefulset.controller import StatefulSetController
from k8s_tutor.controllers.statefulset.reconcile import reconcile

__all__ = ["StatefulSetController", "reconcile"]
