"""``kubectl set``: image, resources, env, selector, serviceaccount, subject (kubectl pkg/cmd/set)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from k8s_tutor.kubectl import printers, targets
from k8s_tutor.kubectl.create import dry_run, dry_run_query
from k8s_tutor.kubectl.create_more import subjects
from k8s_tutor.kubectl.errors import Failure, Refused, raise_all
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import CONFIGMAPS, SECRETS, Info
from k8s_tutor.kubectl.session import MERGE_PATCH, STRATEGIC_PATCH, Session

FLAGS = printers.FLAGS + "all! selector:l filename:f* dry-run?unchanged local! field-manager recursive:R! kustomize:k "
RESOURCES_FLAGS = FLAGS + "containers:c limits requests"
ENV_FLAGS = FLAGS + "containers:c from keys* prefix list! resolve! overwrite! env:e@"
SELECTOR_FLAGS = FLAGS + "resource-version"
SUBJECT_FLAGS = FLAGS + "user@ group@ serviceaccount@"
Change = Callable[[Info], Tree | None]
"""What is to be changed of an object as a patch; None when nothing is."""


def template(info: Info) -> tuple[tuple[str, ...], Tree]:
    """Where the pod spec of an object is, and the spec. Raises kubectl's error for objects without one."""
    spec = info.tree.get("spec") or {}
    if info.resource.kind == "Pod":
        return ("spec",), spec
    if isinstance(spec.get("template"), dict):
        return ("spec", "template", "spec"), spec["template"].get("spec") or {}
    if isinstance(spec.get("jobTemplate"), dict):
        inner = ((spec["jobTemplate"].get("spec") or {}).get("template") or {}).get("spec") or {}
        return ("spec", "jobTemplate", "spec", "template", "spec"), inner
    raise Failure(f"the object is not a pod or does not have a pod template: {info.resource.kind}")


def nested(place: tuple[str, ...], value: Any) -> Tree:
    """``("spec", "template"), x`` → ``{"spec": {"template": x}}``."""
    for key in reversed(place):
        value = {key: value}
    return value  # type: ignore[no-any-return]


def _each(session: Session, words: Words, args: tuple[str, ...], change: Change, done: str,
          content_type: str = STRATEGIC_PATCH) -> Asking[int]:  # fmt: skip
    """Fetch the objects, and PATCH those that change."""
    output, mode = printers.chosen(session, words), dry_run(words)
    printers.check(output)
    failures: list[Failure] = []
    infos = yield from targets.resolve(session, words, args, failures)
    for info in infos:
        try:
            patch = change(info)
            tree: Tree = info.tree
            if not patch:
                if output:
                    session.out.append(printers.done(info.resource, info.name, done, output, tree, mode))
                continue
            if mode != "client" and not words.on("local"):
                query = (*dry_run_query(words), ("fieldManager", words.text("field-manager", "kubectl-set")))
                tree = yield from session.ask("PATCH", info.path, query, patch, content_type)
            session.out.append(printers.done(info.resource, info.name, done, output, tree, mode))
        except Refused as refused:
            failures.append(Failure(f"failed to patch {done.split()[0]} update to pod template: {refused.said}")
                            if done.startswith(("image", "env")) else refused)  # fmt: skip
        except Failure as failure:
            failures.append(failure)
    raise_all(failures)
    return 0


def image(session: Session, words: Words) -> Asking[int]:
    """``set image TYPE NAME CONTAINER=IMAGE``."""
    args = tuple(word for word in words.positional if "=" not in word)
    if len(args) > 1 and "/" in args[0]:
        raise Failure(targets.SEPARATE)
    images = dict(word.split("=", 1) for word in words.positional if "=" in word)
    if not args and not words.many("filename"):
        raise Failure(targets.NONE_GIVEN)
    if not images:
        raise Failure("at least one image update is required")
    if len(images) > 1 and "*" in images:
        raise Failure("all containers are already specified by *, but saw more than one container_name=container_image pairs")

    def change(info: Info) -> Tree | None:
        place, spec = template(info)
        changes: dict[str, list[Tree]] = {}
        missing = []
        for name, wanted in images.items():
            fields = [(field, one) for field in ("initContainers", "containers") for one in spec.get(field) or ()
                      if name in ("*", one["name"])]  # fmt: skip
            missing += [] if fields else [Failure(f'unable to find container named "{name}"')]
            for field, one in fields:
                if one.get("image") != wanted:
                    changes.setdefault(field, []).append({"image": wanted, "name": one["name"]})
        raise_all(missing)
        return nested(place, changes) if changes else None

    return (yield from _each(session, words, args, change, "image updated"))


def resources(session: Session, words: Words) -> Asking[int]:
    """``set resources TYPE NAME --limits=... --requests=...``."""
    if not words.positional and not words.many("filename"):
        raise Failure(targets.NONE_GIVEN)
    if not words.text("limits") and not words.text("requests"):
        raise Failure("you must specify an update to requests or limits (in the form of --requests/--limits)")
    wanted: Tree = {}
    for kind in ("limits", "requests"):
        if words.text(kind):
            pairs = [pair.partition("=") for pair in words.text(kind).split(",")]
            if not all(equals and value for _, equals, value in pairs):
                raise Failure(f"invalid argument syntax {words.text(kind)}, expected <resource>=<value>")
            wanted[kind] = {key: value for key, _, value in pairs}
    pattern = words.text("containers", "*")

    def change(info: Info) -> Tree | None:
        place, spec = template(info)
        chosen = _matching(spec, pattern)
        if not chosen:
            raise Failure(f'unable to find container named "{pattern}"')
        changes = []
        for container in chosen:
            had = container.get("resources") or {}
            if any((had.get(kind) or {}).get(key) != value for kind in wanted for key, value in wanted[kind].items()):
                changes.append({"name": container["name"], "resources": wanted})
        return nested(place, {"containers": changes}) if changes else None

    return (yield from _each(session, words, words.positional, change, "resource requirements updated"))


def _matching(spec: Tree, pattern: str, part: str = "containers") -> list[Tree]:
    head, star, tail = pattern.partition("*")
    return [
        one for one in spec.get(part) or ()
        if one["name"] == pattern or (star and one["name"].startswith(head) and one["name"].endswith(tail))
    ]  # fmt: skip


# ---------------------------------------------------------------------- environment


def env(session: Session, words: Words) -> Asking[int]:
    """``set env TYPE/NAME KEY=value KEY- [--from=configmap/NAME] [--list]``."""
    pairs = [word for word in words.positional if "=" in word] + list(words.many("env"))
    removed = [word[:-1] for word in words.positional if word.endswith("-") and "=" not in word and "/" not in word]
    args = tuple(word for word in words.positional if "=" not in word and word.removesuffix("-") not in removed)
    if not args and not words.many("filename"):
        raise Failure("one or more resources must be specified as <resource> <name> or <resource>/<name>")
    values: list[Tree] = [{"name": key, "value": value} for key, _, value in (pair.partition("=") for pair in pairs)]
    if words.text("from"):
        values += yield from _from(session, words)
    if words.on("list"):
        return (yield from _list_env(session, words, args))
    pattern, overwrite = words.text("containers", "*"), words.text("overwrite", "true") == "true"

    def change(info: Info) -> Tree | None:
        place, spec = template(info)
        if not _matching(spec, pattern) and not _matching(spec, pattern, "initContainers"):
            session.warn(f'Warning: {info.resource.kind}/{info.name} does not have any containers matching "{pattern}"')
            return None
        found: Tree = {}
        for part in ("containers", "initContainers"):
            changes = [made for one in _matching(spec, pattern, part) if (made := _env_change(one, values, removed, overwrite))]
            if changes:
                every = [{"name": one["name"]} for one in spec.get(part) or ()]
                found |= {f"$setElementOrder/{part}": every, part: changes}
        return nested(place, found) if found else None

    return (yield from _each(session, words, args, change, "env updated"))


def _env_change(container: Tree, values: list[Tree], removed: list[str], overwrite: bool) -> Tree | None:
    """The patch of one container; None when it has all that already."""
    had = {one["name"]: one for one in container.get("env") or ()}
    clash = [one["name"] for one in values if one["name"] in had]
    if clash and not overwrite:
        raise Failure(f"{clash[0]} already has a value ({had[clash[0]].get('value', '')}), and --overwrite is false")
    entries: list[Tree] = [_replacing(one, had.get(one["name"])) for one in values if had.get(one["name"]) != one]
    entries += [{"name": name, "$patch": "delete"} for name in removed if name in had]
    if not entries:
        return None
    names = [*had, *(one["name"] for one in values if one["name"] not in had)]
    order = [{"name": name} for name in names if name not in removed]
    return {"name": container["name"], "$setElementOrder/env": order, "env": entries}


def _replacing(new: Tree, old: Tree | None) -> Tree:
    """A patch entry; a value takes the place of a reference, and the other way round."""
    gone: Tree = {key: None for key in ("value", "valueFrom") if old and key in old and key not in new}
    return {**new, **gone}


def _from(session: Session, words: Words) -> Asking[list[Tree]]:
    kind, slash, name = words.text("from").partition("/")
    resource = targets.known(session, kind)
    if resource not in (CONFIGMAPS, SECRETS) or not slash:
        raise Failure(f"unsupported resource specified in --from: {words.text('from')}")
    tree = yield from session.fetch(resource, name)
    field = "configMapKeyRef" if resource == CONFIGMAPS else "secretKeyRef"
    keys = words.many("keys") or tuple(sorted(tree.get("data") or {}))
    prefix = words.text("prefix")
    for key in keys:
        if key.upper() != key:
            session.warn(f"Warning: key {key} transferred to {(prefix + key).upper().replace('-', '_').replace('.', '_')}")
    return [
        {"name": (prefix + key).upper().replace("-", "_").replace(".", "_"), "valueFrom": {field: {"key": key, "name": name}}}
        for key in keys
    ]


def _list_env(session: Session, words: Words, args: tuple[str, ...]) -> Asking[int]:
    failures: list[Failure] = []
    infos = yield from targets.resolve(session, words, args, failures)
    for info in infos:
        _, spec = template(info)
        for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
            session.say(f"# {info.resource.kind} {info.name}, container {container['name']}")
            for one in container.get("env") or ():
                session.say(_env_line(one))
    raise_all(failures)
    return 0


def _env_line(one: Tree) -> str:
    source = one.get("valueFrom")
    if not source:
        return f"{one['name']}={one.get('value', '')}"
    for field, what in (("configMapKeyRef", "configmap"), ("secretKeyRef", "secret")):
        if source.get(field):
            return f"# {one['name']} from {what} {source[field].get('name')}, key {source[field].get('key')}"
    path = (source.get("fieldRef") or source.get("resourceFieldRef") or {})
    return f"# {one['name']} from field path {path.get('fieldPath') or path.get('resource', '')}"


# ---------------------------------------------------------------------- selector, service account, subjects


def selector(session: Session, words: Words) -> Asking[int]:
    """``set selector TYPE NAME KEY=value``: of a Service."""
    if not words.positional:
        raise Failure("one selector is required")
    *args, text = words.positional
    labels: dict[str, str] = {}
    for pair in text.split(","):
        key, equals, value = pair.partition("=")
        if not equals:
            raise Failure(f"invalid selector: {text}: this console takes key=value pairs")
        labels[key] = value

    def change(info: Info) -> Tree | None:
        if info.resource.kind != "Service":
            raise Failure(f"setting a selector is only supported for Services, not {info.resource.kind}")
        had = (info.tree.get("spec") or {}).get("selector") or {}
        gone: Tree = {key: None for key in had if key not in labels}
        return {"spec": {"selector": {**labels, **gone}}} if had != labels else None

    return (yield from _each(session, words, tuple(args), change, "selector updated", MERGE_PATCH))


def service_account(session: Session, words: Words) -> Asking[int]:
    """``set serviceaccount TYPE NAME ACCOUNT``."""
    if not words.positional:
        raise Failure("serviceaccount is required")
    *args, account = words.positional
    if not args and not words.many("filename"):
        raise Failure("one or more resources must be specified as <resource> <name> or <resource>/<name>")

    def change(info: Info) -> Tree | None:
        place, spec = template(info)
        same = spec.get("serviceAccountName") == account
        return None if same else nested(place, {"serviceAccountName": account, "serviceAccount": account})

    return (yield from _each(session, words, tuple(args), change, "serviceaccount updated"))


def subject(session: Session, words: Words) -> Asking[int]:
    """``set subject ROLEBINDING --user=... --group=... --serviceaccount=...``."""
    added = subjects(words)
    if not words.positional and not words.many("filename"):
        raise Failure(targets.NONE_GIVEN)
    if not added:
        raise Failure("you must specify at least one value of user, group or serviceaccount")

    def change(info: Info) -> Tree | None:
        if info.resource.kind not in ("RoleBinding", "ClusterRoleBinding"):
            raise Failure("setting subjects is only supported for RoleBinding/ClusterRoleBinding")
        had = list(info.tree.get("subjects") or ())
        new = [one for one in added if one not in had]
        return {"subjects": [*had, *new]} if new else None

    return (yield from _each(session, words, words.positional, change, "subjects updated", MERGE_PATCH))
