"""The Job controller: pods that run until enough of them have succeeded (pkg/controller/job)."""

from k8s_tutor.controllers.job.controller import JobController
from k8s_tutor.controllers.job.reconcile import reconcile

__all__ = ["JobController", "reconcile"]
