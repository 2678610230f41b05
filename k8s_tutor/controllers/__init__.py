"""The controller manager: each controller compares what is with what should be, and asks for the difference."""

from k8s_tutor.controllers.manager import ControllerManager
from k8s_tutor.controllers.runner import Again, Errand, Next, Runner, Tick
from k8s_tutor.controllers.workqueue import WorkQueue

__all__ = ["Again", "ControllerManager", "Errand", "Next", "Runner", "Tick", "WorkQueue"]
