"""The Deployment controller: moves from one ReplicaSet to the next (pkg/controller/deployment)."""

from k8s_tutor.controllers.deployment.controller import DeploymentController
from k8s_tutor.controllers.deployment.reconcile import reconcile

__all__ = ["DeploymentController", "reconcile"]
