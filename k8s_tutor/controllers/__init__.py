"""The controller manager: each controller compares what is with what should be, and asks for the difference."""

from k8s_tutor.controllers.manager import Again, ControllerManager, Errand, Next, Tick
from k8s_tutor.controllers.workqueue import WorkQueue

__all__ = ["Again", "ControllerManager", "Errand", "Next", "Tick", "WorkQueue"]
