"""Which objects a command is about: ``pods``, ``pod web db``, ``pods,svc``, ``deploy/web svc/web``, a selector, files.

The rules and the words are those of kubectl's resource builder (cli-runtime pkg/resource/builder.go).
"""

from __future__ import annotations

from typing import NamedTuple

from k8s_tutor.kubectl import manifests
from k8s_tutor.kubectl.errors import Failure, Refused
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import Info, Resource, Undiscovered, find
from k8s_tutor.kubectl.session import Query, Session

NONE_GIVEN = """You must provide one or more resources by argument or filename.
Example resource specifications include:
   '-f rsrc.yaml'
   '--filename=rsrc.json'
   '<resource> <name>'
   '<resource>'"""
SEPARATE = (
    "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form "
    "(e.g. 'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'"
)


class Target(NamedTuple):
    """All objects of a resource (``name`` empty), or one."""

    resource: Resource
    name: str = ""
    namespace: str | None = None


def known(session: Session, word: str) -> Resource:
    """The resource of a word. Raises kubectl's error for an unknown one."""
    resource = find(word, session.known)
    if resource is None:
        if not session.discovered:
            raise Undiscovered
        raise Failure(f'the server doesn\'t have a resource type "{word.partition(".")[0]}"')
    return resource


def category(session: Session, word: str) -> list[Resource]:
    """The resources of a category (``all``, or one that definitions name), each in its preferred version."""
    first: dict[tuple[str, str], Resource] = {}
    for one in session.known:
        if word in one.categories:
            first.setdefault((one.group, one.plural), one)
    return list(first.values())


def expand(session: Session, word: str) -> list[Resource]:
    """The resources of ``pods,svc`` or ``all``."""
    found: list[Resource] = []
    for part in word.split(","):
        together = category(session, part)
        if together:
            found += together
        elif part:
            found.append(known(session, part))
    if not found:
        raise Failure("arguments must consist of a resource or a resource and name")
    return found


def read(session: Session, words: tuple[str, ...]) -> list[Target]:
    """The targets that positional arguments name."""
    if not words:
        return []
    if any("/" in word for word in words):
        if not all("/" in word for word in words):
            raise Failure(SEPARATE)
        return [_pair(session, word) for word in words]
    resources, names = expand(session, words[0]), words[1:]
    if names and any(category(session, part) for part in words[0].split(",")):
        raise Failure("you must specify only one resource")
    if not names:
        return [Target(resource) for resource in resources]
    if not all(names):
        raise Failure("resource name may not be empty")
    return [Target(resource, name) for resource in resources for name in names]


def _pair(session: Session, word: str) -> Target:
    kind, _, name = word.partition("/")
    if "/" in name or not kind or not name or "," in kind:
        raise Failure("arguments in resource/name form must have a single resource and name")
    return Target(known(session, kind), name)


def selection(words: Words) -> Query:
    """The query of ``-l`` and ``--field-selector``."""
    pairs = [("labelSelector", "selector"), ("fieldSelector", "field-selector")]
    return tuple((query, words.text(flag)) for query, flag in pairs if words.text(flag))


def check(words: Words, targets: list[Target]) -> None:
    """Names and selectors exclude each other; so do ``--all`` and ``-l``."""
    chosen = selection(words) or words.on("all")
    if words.on("all") and words.text("selector"):
        raise Failure("cannot set --all and --selector at the same time")
    if chosen and not targets:
        raise Failure("at least one resource must be specified to use a selector")
    if chosen and any("/" in word for word in words.positional if "=" not in word and not word.endswith("-")):
        raise Failure("selectors and the all flag cannot be used when passing resource/name arguments")
    if chosen and any(target.name for target in targets):
        raise Failure("name cannot be provided when a selector is specified")


def resolve(session: Session, words: Words, args: tuple[str, ...], failures: list[Failure]) -> Asking[list[Info]]:
    """The objects that a command changes, each fetched: by name, by selector, with ``--all``, or from files.

    What cannot be fetched goes to ``failures``, the rest goes on (kubectl's ContinueOnError).
    """
    if words.many("filename"):
        if args:
            raise Failure("when paths, URLs, or stdin is provided as input, you may not specify resource arguments as well")
        return (yield from from_files(session, words, failures))
    targets = read(session, args)
    if not targets:
        raise Failure(NONE_GIVEN)
    check(words, targets)
    found: list[Info] = []
    for target in targets:
        if target.name:
            namespace = session.scope(target.resource)
            try:
                tree = yield from session.fetch(target.resource, target.name)
            except Refused as refused:
                failures.append(typed(refused, target.resource))
                continue
            found.append(Info(target.resource, namespace, target.name, tree))
        elif selection(words) or words.on("all"):
            found += yield from listed(session, words, target.resource)
        else:
            raise Failure("resource(s) were provided, but no name was specified")
    return found


def typed(refused: Refused, target: Target | Resource) -> Failure:
    """A 404 that names no object says that the server does not know the resource."""
    resource = target.resource if isinstance(target, Target) else target
    if refused.missing_type and not (isinstance(target, Target) and target.name):
        return Failure(f'the server doesn\'t have a resource type "{resource.plural}"')
    return refused


def listed(session: Session, words: Words, resource: Resource) -> Asking[list[Info]]:
    """All objects of a resource that the selectors choose."""
    namespace = None if words.on("all-namespaces") else session.scope(resource)
    try:
        items = yield from session.listed(resource, namespace, selection(words))
    except Refused as refused:
        raise typed(refused.about(resource.api_version, resource.plural, selection(words)), resource) from None
    return [info_of(resource, item) for item in items]


def info_of(resource: Resource, tree: Tree) -> Info:
    """An object that was listed."""
    metadata = tree.get("metadata") or {}
    return Info(resource, metadata.get("namespace") if resource.namespaced else None, metadata.get("name", ""), tree)


def from_files(session: Session, words: Words, failures: list[Failure]) -> Asking[list[Info]]:
    """The live objects that the manifests of ``-f`` name."""
    found: list[Info] = []
    for one in manifests.load(session, words.many("filename"), failures):
        try:
            tree = yield from session.fetch(one.resource, one.name, one.namespace)
        except Refused as refused:
            failures.append(typed(refused, one.resource))
            continue
        found.append(one._replace(tree=tree))
    return found
