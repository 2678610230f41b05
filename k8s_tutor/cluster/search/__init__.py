"""The search for runs that break a promise of consensus, by inputs and nothing else.

A *plan* is a specification and moves: inputs, each at an instant. The adversary makes plans up from seeds, the shrinker takes
away from a plan that breaks something all that is not needed for it, and what is left is an ordinary session, which replays
in the app as a story. Read `plan`, `adversary`, `shrink`, `hunt`.
"""

from k8s_tutor.cluster.search.hunt import Story, hunt, tell
from k8s_tutor.cluster.search.plan import Hold, Move, Plan, play

__all__ = ["Hold", "Move", "Plan", "Story", "hunt", "play", "tell"]
