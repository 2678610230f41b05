"""The editor of a person who works without a screen: the one that kubectl would open."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path


def edit(name: str, text: str) -> str:
    """Opens a text in ``$KUBE_EDITOR``, ``$EDITOR`` or vi; what it is afterwards, unchanged when the editor fails.

    Raises OSError for an editor that cannot be run.
    """
    command = shlex.split(os.environ.get("KUBE_EDITOR") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory(prefix="kubectl-edit-") as folder:
        path = Path(folder) / f"{name.replace('/', '-')}.yaml"
        path.write_text(text, encoding="utf-8")
        done = subprocess.run([*command, str(path)], check=False)
        return path.read_text(encoding="utf-8", errors="replace") if done.returncode == 0 else text
