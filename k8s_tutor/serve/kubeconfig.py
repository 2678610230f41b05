"""The kubeconfig of a served cluster: a context for each user."""

from __future__ import annotations

import base64
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import yaml

from k8s_tutor.serve.pki import Pair

CLUSTER = "k8s-tutor"
MARK = {"name": "k8s-tutor", "extension": {"made-by": "k8s-tutor serve"}}
"""What tells a file that `write` may replace; kubectl keeps it when it changes the file."""


class KubeconfigError(Exception):
    """The file cannot be written; the text says why and what to do."""


def check(path: Path) -> None:
    """Raises `KubeconfigError` for a path that `write` would refuse."""
    try:
        if path.is_dir():
            raise KubeconfigError(f"--kubeconfig: {path} is a folder")
        if path.exists() and not _is_ours(path.read_text(encoding="utf-8", errors="replace")):
            raise KubeconfigError(f"--kubeconfig: {path} exists and was not made by `k8s-tutor serve`; name another file")
        if not path.parent.is_dir():
            raise KubeconfigError(f"--kubeconfig: there is no folder {path.parent}")
    except OSError as error:
        raise KubeconfigError(f"--kubeconfig: {path}: {error.strerror}") from None


def _is_ours(content: str) -> bool:
    try:
        tree = yaml.load(content, yaml.CSafeLoader)
        return MARK in tree["extensions"]
    except (yaml.YAMLError, KeyError, TypeError):
        return False


def text(server: str, authority: bytes, admin: Pair, tokens: dict[str, str]) -> str:
    """The whole file. ``tokens``: user → bearer token."""
    users: list[dict[str, Any]] = [_admin(admin)]
    users += [{"name": name, "user": {"token": token}} for name, token in tokens.items()]
    contexts = [{"name": user["name"], "context": {"cluster": CLUSTER, "user": user["name"]}} for user in users]
    cluster = {"server": server, "certificate-authority-data": _base64(authority)}
    tree = {
        "apiVersion": "v1", "kind": "Config", "current-context": "admin", "preferences": {},
        "clusters": [{"name": CLUSTER, "cluster": cluster}], "contexts": contexts, "users": users, "extensions": [MARK],
    }  # fmt: skip
    return json.dumps(tree, indent=2) + "\n"


def _admin(pair: Pair) -> dict[str, Any]:
    credentials = {"client-certificate-data": _base64(pair.certificate), "client-key-data": _base64(pair.key)}
    return {"name": "admin", "user": credentials}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def write(path: Path, content: str) -> None:
    """Puts the file there whole, readable by its owner only. Raises `KubeconfigError`."""
    check(path)
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # mode 0600
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(content)
        os.replace(name, path)
    except OSError as error:
        raise KubeconfigError(f"--kubeconfig: {path}: {error.strerror}") from None
