"""Roles: what a span means. A theme gives each of them its colours; panels never name a colour.

State is never told by a role alone: a glyph and a word say the same.
"""

from __future__ import annotations

ROLES: tuple[str, ...] = (
    "text",  # ordinary words
    "dim",  # labels, what can wait
    "bright",  # names, what is read first
    "title",  # a frame's title
    "line",  # frames, rails, what only holds things together
    "leader",  # who leads, what is chosen
    "ok",  # healthy, committed
    "fail",  # failing, cut, lost
    "other",  # candidates, other branches, other futures
    "you",  # the learner and their requests
    "peer",  # followers and what they do
    "key",  # a key to press
    "load",  # bars of use
    "warn",  # not yet: uncommitted, pending, look here
    "selected",  # the selected thing
    "accent",  # the product's own mark
    "term-0",  # terms of the committee, in turn; a shape and the number say the same
    "term-1",
    "term-2",
    "term-3",
    "on-ok",  # dark words on a ground of ok: a committed line of a notebook
    "on-warn",  # dark words on a ground of warn
    "on-fail",  # dark words on a ground of fail
    "on-dim",  # bright words on a quiet ground: a sunk card
)
"""Every role that a span may have. Suffixes: ``+bold``, ``+selected`` (ground of the selected thing), ``+sunk``."""
