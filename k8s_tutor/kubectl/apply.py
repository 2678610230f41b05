"""``kubectl apply -f``: client-side by default, ``--server-side`` when asked (kubectl pkg/cmd/apply)."""

from __future__ import annotations

import msgspec

from k8s_tutor.api import schema, selectors
from k8s_tutor.kubectl import manifests, merge, printers, prune, takeover, targets
from k8s_tutor.kubectl.create import LAST_APPLIED, annotated, dry_run, dry_run_query, strictness
from k8s_tutor.kubectl.errors import Failure, Refused, Unreachable, Usage, raise_all
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import Info
from k8s_tutor.kubectl.session import APPLY_PATCH, MERGE_PATCH, STRATEGIC_PATCH, Query, Session

FLAGS = printers.FLAGS + (
    "filename:f* dry-run?unchanged server-side! force-conflicts! field-manager validate?strict overwrite! cascade?background "
    "selector:l force! grace-period# timeout~ wait! kustomize:k recursive:R! prune! prune-allowlist@ prune-whitelist@ applyset "
    "all! openapi-patch! subresource save-config! record!"
)
VIEW_FLAGS = "output:o filename:f* all! selector:l recursive:R! kustomize:k"
CONFLICT = """Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the `--force-conflicts` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts"""
TRIES = 5
SECOND = 1_000_000


def run(session: Session, words: Words) -> Asking[int]:
    """Apply each object of the files in order; what fails does not stop the rest."""
    if words.positional:
        raise Usage(f"Unexpected args: [{' '.join(words.positional)}]", "kubectl apply")
    if not words.many("filename"):
        raise Failure("must specify one of -f and -k")
    printers.check(printers.chosen(session, words))
    prune.check(words)
    if words.on("server-side") and dry_run(words) == "client":
        raise Failure("--dry-run=client doesn't work with --server-side (did you mean --dry-run=server instead?)")
    if words.on("force-conflicts") and not words.on("server-side"):
        raise Failure("--force-conflicts only works with --server-side")
    failures: list[Failure] = []
    infos = manifests.load(session, words.many("filename"), failures, strictness(words) != "Ignore")
    if words.text("selector"):
        chosen = selectors.parse(words.text("selector"))
        infos = [one for one in infos if chosen.matches((one.tree.get("metadata") or {}).get("labels") or {})]
    if not infos and not failures:
        raise Failure("no objects passed to apply")
    applied: list[Info] = []
    for info in infos:
        try:
            yield from _apply(session, words, info)
            applied.append(info)
        except Unreachable:
            raise
        except Failure as failure:
            failures.append(failure)
    if words.on("prune") and not failures:
        yield from prune.run(session, words, applied)
    raise_all(failures)
    return 0


def _apply(session: Session, words: Words, info: Info) -> Asking[None]:
    if not info.name:
        if info.tree.get("metadata", {}).get("generateName"):
            raise Failure(f"from {info.tree['metadata']['generateName']}: cannot use generate name with apply")
        raise Failure(f'error when retrieving current configuration of:\nResource: "{info.resource.qualified}", Name: ""')
    if words.on("server-side"):
        yield from _server_side(session, words, info)
        return
    wanted = annotated(info.tree)
    for attempt in range(TRIES):
        try:
            done, tree = yield from _client_side(session, words, info, wanted)
            break
        except Refused as refused:
            if refused.reason != "Conflict" or attempt == TRIES - 1:
                raise
            yield from session.pause(SECOND)
    session.out.append(printers.done(info.resource, info.name, done, printers.chosen(session, words), tree, dry_run(words)))


def _client_side(session: Session, words: Words, info: Info, wanted: Tree) -> Asking[tuple[str, Tree]]:
    """Create or patch; what was done, and the object."""
    manager = words.text("field-manager", "kubectl-client-side-apply")
    query = (*dry_run_query(words), ("fieldManager", manager), ("fieldValidation", strictness(words)))
    try:
        live: Tree = yield from session.ask("GET", info.path)
    except Refused as refused:
        if refused.reason != "NotFound" or refused.missing_type:
            raise refused.when("retrieving current configuration of", info.source) from None
        if dry_run(words) == "client":
            return "created", wanted
        path = info.resource.path(info.namespace)
        try:
            tree: Tree = yield from session.ask("POST", path, query, wanted)
        except Refused as again:
            raise again.when("creating", info.source) from None
        return "created", tree
    last = (live.get("metadata") or {}).get("annotations", {}).get(LAST_APPLIED)
    if last is None:
        session.warn(_missing(info))
    patch, content_type = patch_of(info, wanted, live)
    if dry_run(words) == "client":
        return "configured", live
    if not patch:
        return "unchanged", live
    try:
        tree = yield from session.ask("PATCH", info.path, query, patch, content_type)
    except Refused as refused:
        if refused.reason == "Conflict":
            raise
        text = f"applying patch:\n{printers.to_json(patch, None)}\nto:\n{_told(info)}\nfor:"
        raise refused.when("patching", info.source).when(text, info.source) from None
    return "configured", tree


def patch_of(info: Info, wanted: Tree, live: Tree) -> tuple[Tree, str]:
    """The three-way patch, and its content type. Raises `Failure` for lists whose items lack their key."""
    kept = ((live.get("metadata") or {}).get("annotations") or {}).get(LAST_APPLIED)
    last: Tree = msgspec.json.decode(kept) if kept else {}
    type_name = schema.type_of(info.resource.group, info.resource.version, info.resource.kind)
    if type_name is None:
        return merge.three_way_json(last, wanted, live), MERGE_PATCH
    try:
        return merge.three_way(last, wanted, live, type_name), STRATEGIC_PATCH
    except merge.NoKey as problem:
        trees = zip(("original", "modified", "current"), (last, wanted, live), strict=True)
        dump = "".join(f"{title}:\n{printers.to_json(tree, None)}\n" for title, tree in trees)
        raise Failure(f'error when creating patch with:\n{dump}for: "{info.source}": {problem}') from None


def _told(info: Info) -> str:
    """An object as error texts describe it."""
    group, _, version = info.resource.api_version.rpartition("/")
    kind = f"{group}/{version}, " if group else f"/{version}, "
    return (
        f'Resource: "{kind}Resource={info.resource.plural}", GroupVersionKind: "{kind}Kind={info.resource.kind}"\n'
        f'Name: "{info.name}", Namespace: "{info.namespace or ""}"'
    )


def _missing(info: Info) -> str:
    return (
        f"Warning: resource {info.resource.plural}/{info.name} is missing the {LAST_APPLIED} annotation which is required "
        "by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create "
        "--save-config or kubectl apply. The missing annotation will be patched automatically."
    )


def _server_side(session: Session, words: Words, info: Info) -> Asking[None]:
    shown, session.managed = session.managed, True
    dry = dry_run_query(words)
    tree = yield from server_side(session, words, info, dry)
    manager = words.text("field-manager", takeover.MANAGER)
    query = (*dry, ("fieldValidation", strictness(words)))
    tree = yield from takeover.keep_annotation(session, info, tree, manager, query)
    if (yield from takeover.take_over(session, info, tree, manager, query)):
        tree = yield from server_side(session, words, info, dry)
    session.managed = shown
    output = printers.chosen(session, words)
    tree = tree if shown else printers.cleaned(tree)
    session.out.append(printers.done(info.resource, info.name, "serverside-applied", output, tree, dry_run(words)))


def server_side(session: Session, words: Words, info: Info, dry: Query) -> Asking[Tree]:
    """PATCH with the manifest itself. Raises `Failure` with kubectl's advice for a conflict."""
    manager = words.text("field-manager", takeover.MANAGER)
    query = (*dry, ("fieldManager", manager), ("fieldValidation", strictness(words)),
             ("force", "true" if words.on("force-conflicts") else "false"))  # fmt: skip
    try:
        tree: Tree = yield from session.ask("PATCH", info.path, query, info.tree, APPLY_PATCH)
    except Refused as refused:
        if refused.reason == "Conflict":
            raise Failure(f"{refused.said}\n{CONFLICT}") from None
        raise
    return tree


def view_last_applied(session: Session, words: Words) -> Asking[int]:
    """``apply view-last-applied``."""
    form = words.text("output", "yaml")
    if form not in ("yaml", "json"):
        raise Failure(f"Unexpected -o output mode: {form}, the flag 'output' must be one of yaml|json")
    failures: list[Failure] = []
    infos = yield from targets.resolve(session, words, words.positional, failures)
    for info in infos:
        kept = ((info.tree.get("metadata") or {}).get("annotations") or {}).get(LAST_APPLIED)
        if kept is None:
            failures.append(Failure(f"no last-applied-configuration annotation found on resource: {info.name}"))
            continue
        session.out.append(printers.show(msgspec.json.decode(kept), form))
    raise_all(failures)
    return 0
