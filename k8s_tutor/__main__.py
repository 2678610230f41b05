"""``python -m k8s_tutor`` and the command ``k8s-tutor``."""

from __future__ import annotations

import sys


def main() -> int:
    """Runs the command line; returns the exit status."""
    from k8s_tutor.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
