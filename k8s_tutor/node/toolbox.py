"""Which tools the images of this world bring, by the distribution that they are built on.

As at work: a slim image has no ps, no curl and no ip, and one that is built from scratch has not even a shell.
"""

from __future__ import annotations

from functools import lru_cache

_BASE = (
    "sh cat ls echo printf env printenv grep egrep sleep touch mkdir rm rmdir cp mv hostname whoami id uname head tail wc sort "
    "uniq cut tr sed seq tee pwd which date test kill true false dd truncate du df"
)
BOXES = {
    "scratch": "",
    "busybox": f"{_BASE} ash ps uptime wget nslookup nc ping ip fallocate",
    "alpine": f"{_BASE} getent ash ps uptime wget nslookup nc ping ip fallocate",
    "debian": f"{_BASE} bash dash getent fallocate",
    "ubi": f"{_BASE} bash ps curl",
}


EVERYTHING = ("curl", "bash", "dash", "dig", "host", "getent")
"""What an image that says nothing has beside busybox."""


@lru_cache(maxsize=256)
def has(tools: str, name: str) -> bool:
    """Whether an image with these tools brings this one."""
    if not tools:
        return name in BOXES["busybox"].split() or name in EVERYTHING
    box, *more = tools.split("+")
    return name in BOXES[box].split() or name in more


def names(tools: str) -> list[str]:
    """All tools of an image, in order."""
    box, *more = tools.split("+") if tools else ["busybox", *EVERYTHING]
    return sorted({*BOXES[box].split(), *more})
