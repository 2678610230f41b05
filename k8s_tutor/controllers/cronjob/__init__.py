"""The CronJob controller: Jobs by the clock (pkg/controller/cronjob)."""

from k8s_tutor.controllers.cronjob.controller import CronJobController
from k8s_tutor.controllers.cronjob.reconcile import reconcile
from k8s_tutor.controllers.cronjob.schedule import Schedule, parse

__all__ = ["CronJobController", "Schedule", "parse", "reconcile"]
