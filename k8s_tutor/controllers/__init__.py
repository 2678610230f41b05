"""The controller manager: each controller compares what is with what should be, and asks for the difference."""

from k8s_tutor.controllers.manager import Again, ControllerManager, Job, Next, Tick
from k8s_tutor.controllers.workqueue import WorkQueue

__all__ = ["Again", "ControllerManager", "Job", "Next", "Tick", "WorkQueue"]
