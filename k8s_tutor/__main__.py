"""``python -m k8s_tutor`` and the command ``k8s-tutor``."""

from __future__ import annotations

import gc
import sys

COLLECT = 100_000, 50, 50
"""When Python looks for cycles: seldom, for the engine makes many objects and hardly any cycle."""


def main() -> int:
    """Runs the command line; returns the exit status."""
    gc.set_threshold(*COLLECT)
    from k8s_tutor.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
