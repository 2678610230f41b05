"""``kubectl run``: one pod from an image."""

from __future__ import annotations

import json
import re

from k8s_tutor.kubectl import generators, printers
from k8s_tutor.kubectl.create import COMMON, create
from k8s_tutor.kubectl.errors import Failure, Usage
from k8s_tutor.kubectl.line import Words, need
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import PODS, SERVICES
from k8s_tutor.kubectl.session import Session

FLAGS = COMMON + (
    "image port# env@ labels:l restart command! overrides override-type annotations@ image-pull-policy expose! "
    "stdin:i! tty:t! rm! attach! quiet:q! privileged!"
)

_HOST = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:{_HOST}(?:\.{_HOST})*(?::[0-9]+)?/)?{_PART}(?:/{_PART})*(?::\w[\w.-]{{0,127}})?"
    r"(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?", re.A,
)  # fmt: skip
"""A reference to an image (distribution/reference regexp.go)."""


def run(session: Session, words: Words) -> Asking[int]:
    """``kubectl run NAME --image=IMAGE``."""
    need(words, "image")
    printers.check(printers.chosen(session, words))
    for flag in ("stdin", "tty", "attach", "rm"):
        if words.on(flag):
            raise Failure(f"--{flag} is not available: this console has no terminal inside a container")
    if not words.positional:
        raise Usage("NAME is required for run", "kubectl run")
    _check_image(words.text("image"))
    name, *extra = words.positional
    arguments = (*extra, *(words.rest or ()))
    restart = words.text("restart", "Always")
    if restart not in ("Always", "OnFailure", "Never"):
        raise Failure(f"invalid restart policy: {restart}")
    tree = generators.pod(name, words.text("image"), labels_of(words.text("labels")), restart)
    tree = _filled(tree, words, arguments)
    if words.text("overrides"):
        tree = _override(tree, words.text("overrides"))
    if words.on("expose"):
        if not words.number("port"):
            raise Failure("--port must be set when exposing a service")
        port = words.number("port")
        labels = tree["metadata"]["labels"]
        spec = {"ports": [{"port": port, "protocol": "TCP", "targetPort": port}], "selector": labels}
        service = {"apiVersion": "v1", "kind": "Service", "metadata": generators.metadata(name, labels), "spec": spec,
                   "status": {"loadBalancer": {}}}  # fmt: skip
        yield from create(session, words, SERVICES, service, "", "kubectl-run")
    yield from create(session, words, PODS, tree, "", "kubectl-run")
    return 0


def _check_image(image: str) -> None:
    """Raises kubectl's errors for what is no reference to an image."""
    if not image:
        raise Failure("--image is required")
    if not _REFERENCE.fullmatch(image):
        raise Failure(f'Invalid image name "{image}": invalid reference format')


def _filled(tree: Tree, words: Words, arguments: tuple[str, ...]) -> Tree:
    """The pod with ports, environment, command and so on."""
    container = dict(tree["spec"]["containers"][0])
    if words.number("port"):
        container["ports"] = [{"containerPort": words.number("port")}]
    if words.many("env"):
        pairs = [pair.partition("=") for pair in words.many("env")]
        if not all(key and equals for key, equals, _ in pairs):
            raise Failure(f"invalid env: {next(pair for pair in words.many('env') if '=' not in pair[1:])}")
        container["env"] = [{"name": key, "value": value} for key, _, value in pairs]
    if arguments:
        container["command" if words.on("command") else "args"] = list(arguments)
    if words.text("image-pull-policy"):
        container["imagePullPolicy"] = words.text("image-pull-policy")
    if words.on("privileged"):
        container["securityContext"] = {"privileged": True}
    metadata = dict(tree["metadata"])
    if words.many("annotations"):
        metadata["annotations"] = {pair.partition("=")[0]: pair.partition("=")[2] for pair in words.many("annotations")}
    return {**tree, "metadata": metadata, "spec": {**tree["spec"], "containers": [container]}}


def labels_of(text: str) -> dict[str, str]:
    """``a=b,c=d``. Raises kubectl's errors."""
    found: dict[str, str] = {}
    for pair in text.split(",") if text else ():
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise Failure(f"unexpected label spec: {pair}" if not equals else f"invalid label spec: {pair}")
        found[key] = value
    return found


def _override(tree: Tree, text: str) -> Tree:
    try:
        change = json.loads(text)
    except ValueError:
        raise Failure(f"Invalid JSON Patch: {text}") from None
    merged: Tree = generators.merge(tree, change)
    containers = ((change.get("spec") or {}) if isinstance(change, dict) else {}).get("containers")
    if not containers:
        merged = {**merged, "spec": {**merged["spec"], "containers": tree["spec"]["containers"]}}
    return merged
