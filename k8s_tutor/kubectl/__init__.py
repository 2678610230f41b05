"""The learner's machine: kubectl (and etcdctl) as pure programs. Text in, requests out, answers in, text out.

Start with `run`; `complete` helps the console to finish a word.
"""

from k8s_tutor.kubectl.command import run
from k8s_tutor.kubectl.complete import complete
from k8s_tutor.kubectl.program import Command, Pause, Result, Step

__all__ = ["Command", "Pause", "Result", "Step", "complete", "run"]
