"""The learner's machine: kubectl (and etcdctl) as pure programs. Text in, requests out, answers in, text out.

Start with `run`; `so_far` shows what a command that still runs has printed, `complete` helps to finish a word.
"""

from k8s_tutor.kubectl.command import run, so_far
from k8s_tutor.kubectl.complete import complete
from k8s_tutor.kubectl.program import Command, Pause, Result, Step

__all__ = ["Command", "Pause", "Result", "Step", "complete", "run", "so_far"]
