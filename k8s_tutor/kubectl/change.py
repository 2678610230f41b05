"""``kubectl scale``, ``set image``, ``set resources`` and ``patch``: small changes to what is there."""

from __future__ import annotations

import json
from typing import Any

from k8s_tutor.kubectl import printers, targets
from k8s_tutor.kubectl.create import dry_run, dry_run_query
from k8s_tutor.kubectl.errors import Failure, Refused, Usage, Worded, raise_all
from k8s_tutor.kubectl.line import Words, need
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import Info
from k8s_tutor.kubectl.session import JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, Session

SCALE_FLAGS = (
    "replicas# current-replicas# resource-version all! selector:l filename:f* output:o dry-run?unchanged timeout~ recursive:R!"
)
SET_FLAGS = (
    "all! selector:l filename:f* output:o dry-run?unchanged local! field-manager recursive:R! containers:c limits requests"
)
PATCH_FLAGS = "patch:p type patch-file filename:f* output:o dry-run?unchanged subresource field-manager local! recursive:R!"
SET_HELP = """Configure application resources.

 These commands help you make changes to existing application resources.

Available Commands:
  env              Update environment variables on a pod template
  image            Update the image of a pod template
  resources        Update resource requests/limits on objects with pod templates
  selector         Set the selector on a resource
  serviceaccount   Update the service account of a resource
  subject          Update the user, group, or service account in a role binding or cluster role binding

Usage:
  kubectl set SUBCOMMAND [options]

Use "kubectl set <command> --help" for more information about a given command.
Use "kubectl options" for a list of global command-line options (applies to all commands)."""


def scale(session: Session, words: Words) -> Asking[int]:
    """PATCH the scale subresource of each object."""
    need(words, "replicas")
    count = words.number("replicas")
    if count < 0:
        raise Failure("The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0")
    printers.check(words.text("output"))
    failures: list[Failure] = []
    infos = yield from targets.resolve(session, words, words.positional, failures)
    mode = dry_run(words)
    for info in infos:
        had = (info.tree.get("spec") or {}).get("replicas")
        expected = words.number("current-replicas", -1)
        if words.given("current-replicas") and expected != had:
            failures.append(Failure(f"Expected replicas to be {expected}, was {had}"))
            continue
        tree: Tree = info.tree
        if mode != "client":
            path = info.resource.path(info.namespace, info.name, "scale")
            query = (*dry_run_query(words), ("fieldManager", "kubectl"))
            patch: Tree = {"spec": {"replicas": count}}
            if words.text("resource-version"):
                patch["metadata"] = {"resourceVersion": words.text("resource-version")}
            try:
                yield from session.ask("PATCH", path, query, patch, MERGE_PATCH)
            except Refused as refused:
                failures.append(refused)
                continue
        session.out.append(printers.done(info.resource, info.name, "scaled", words.text("output"), tree, mode))
    if not infos and not failures:
        raise Failure("no objects passed to scale")
    raise_all(failures)
    return 0


def template(info: Info) -> tuple[tuple[str, ...], Tree]:
    """Where the pod spec of an object is, and the spec. Raises kubectl's error for objects without one."""
    spec = info.tree.get("spec") or {}
    if info.resource.kind == "Pod":
        return ("spec",), spec
    if isinstance(spec.get("template"), dict):
        return ("spec", "template", "spec"), spec["template"].get("spec") or {}
    raise Failure(f"the object is not a pod or does not have a pod template: {info.resource.kind}")


def nested(place: tuple[str, ...], value: Any) -> Tree:
    """``("spec", "template"), x`` → ``{"spec": {"template": x}}``."""
    for key in reversed(place):
        value = {key: value}
    return value  # type: ignore[no-any-return]


def set_(session: Session, words: Words) -> Asking[int]:
    """``kubectl set image|resources``."""
    if not words.positional:
        raise Worded(SET_HELP)
    verb, *rest = words.positional
    if verb not in ("image", "resources"):
        if verb in ("env", "selector", "serviceaccount", "subject"):
            raise Failure(f"'kubectl set {verb}' is not available in this console")
        raise Usage(f'unknown command "{verb}"', "kubectl set")
    args = tuple(word for word in rest if verb == "resources" or "=" not in word)
    images = dict(word.split("=", 1) for word in rest if "=" in word)
    if not args and not words.many("filename"):
        raise Failure(targets.NONE_GIVEN)
    if verb == "image" and not images:
        raise Failure("at least one image update is required")
    if verb == "resources" and not words.text("limits") and not words.text("requests"):
        raise Failure("you must specify an update to requests or limits (in the form of --requests/--limits)")
    failures: list[Failure] = []
    infos = yield from targets.resolve(session, words, args, failures)
    for info in infos:
        try:
            place, spec = template(info)
            if verb == "image":
                yield from _patch_containers(session, words, info, place, _images(spec, images, failures), "image updated")
            else:
                changes = _resources(spec, words)
                yield from _patch_containers(session, words, info, place, changes, "resource requirements updated")
        except (Refused, Failure) as failure:
            failures.append(failure)
    raise_all(failures)
    return 0


def _images(spec: Tree, images: dict[str, str], failures: list[Failure]) -> dict[str, list[Tree]]:
    changes: dict[str, list[Tree]] = {}
    for name, image in images.items():
        found = False
        for field in ("initContainers", "containers"):
            for container in spec.get(field) or ():
                if name in ("*", container["name"]):
                    found = True
                    if container.get("image") != image:
                        changes.setdefault(field, []).append({"image": image, "name": container["name"]})
        if not found:
            failures.append(Failure(f'unable to find container named "{name}"'))
    return changes


def _resources(spec: Tree, words: Words) -> dict[str, list[Tree]]:
    wanted: Tree = {}
    for kind in ("limits", "requests"):
        if words.text(kind):
            pairs = [pair.partition("=") for pair in words.text(kind).split(",")]
            if not all(equals and value for _, equals, value in pairs):
                raise Failure(f"invalid argument syntax {words.text(kind)}, expected <resource>=<value>")
            wanted[kind] = {key: value for key, _, value in pairs}
    chosen = words.text("containers", "*")
    changes: list[Tree] = []
    for container in spec.get("containers") or ():
        if chosen not in ("*", container["name"]):
            continue
        had = container.get("resources") or {}
        if any((had.get(kind) or {}) != {**(had.get(kind) or {}), **wanted[kind]} for kind in wanted):
            changes.append({"name": container["name"], "resources": wanted})
    if not any(chosen in ("*", container["name"]) for container in spec.get("containers") or ()):
        raise Failure(f'unable to find container named "{chosen}"')
    return {"containers": changes} if changes else {}


def _patch_containers(session: Session, words: Words, info: Info, place: tuple[str, ...], changes: dict[str, list[Tree]],
                      done: str) -> Asking[None]:  # fmt: skip
    if not changes:
        return
    mode = dry_run(words)
    tree: Tree = info.tree
    if mode != "client":
        query = (*dry_run_query(words), ("fieldManager", words.text("field-manager", "kubectl-set")))
        tree = yield from session.ask("PATCH", info.path, query, nested(place, changes), STRATEGIC_PATCH)
    session.out.append(printers.done(info.resource, info.name, done, words.text("output"), tree, mode))


def patch(session: Session, words: Words) -> Asking[int]:
    """``kubectl patch``."""
    if not words.given("patch") and not words.given("patch-file"):
        raise Failure("must specify --patch or --patch-file containing the contents of the patch")
    kinds = {"strategic": STRATEGIC_PATCH, "merge": MERGE_PATCH, "json": JSON_PATCH}
    kind = words.text("type", "strategic")
    if kind not in kinds:
        raise Usage(f'--type must be one of [json merge strategic], not "{kind}"', "kubectl patch")
    text = words.text("patch") or dict(session.files).get(words.text("patch-file"), "")
    try:
        change = json.loads(text)
    except ValueError:
        raise Failure(f'unable to parse "{text}": yaml: this console reads patches as JSON') from None
    if not words.given("patch") and isinstance(change, list) and kind != "json":
        change = change[0] if change else {}
    failures: list[Failure] = []
    infos = yield from targets.resolve(session, words, words.positional, failures)
    mode = dry_run(words)
    for info in infos:
        tree: Tree = info.tree
        if mode != "client":
            path = info.resource.path(info.namespace, info.name, words.text("subresource"))
            query = (*dry_run_query(words), ("fieldManager", words.text("field-manager", "kubectl-patch")))
            try:
                tree = yield from session.ask("PATCH", path, query, change, kinds[kind])
            except Refused as refused:
                failures.append(refused)
                continue
        before = (info.tree.get("metadata") or {}).get("resourceVersion")
        same = before == (tree.get("metadata") or {}).get("resourceVersion") and mode != "client"
        done = "patched (no change)" if same else "patched"
        session.out.append(printers.done(info.resource, info.name, done, words.text("output"), tree, mode))
    raise_all(failures)
    return 0
