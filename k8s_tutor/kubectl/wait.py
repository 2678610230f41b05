"""``kubectl wait --for=condition=Ready|delete|create|jsonpath=...`` (kubectl pkg/cmd/wait)."""

from __future__ import annotations

from collections.abc import Callable

from k8s_tutor.kubectl import jsonpath, targets
from k8s_tutor.kubectl.delete import MS, SECOND, gone
from k8s_tutor.kubectl.errors import Failure, Refused, raise_all
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import Info
from k8s_tutor.kubectl.session import Session

FLAGS = "for timeout~ all! all-namespaces:A! selector:l field-selector filename:f* output:o local! recursive:R!"
Test = Callable[[Tree], bool]


def run(session: Session, words: Words) -> Asking[int]:
    """Wait for each object in turn; all share the timeout (30 s by default)."""
    goal = words.text("for")
    timeout = words.duration("timeout", 30 * SECOND)
    test = None if goal.lower() in ("delete", "create") else _test(goal)
    if not words.positional and not words.many("filename"):
        raise Failure(targets.NONE_GIVEN)
    failures: list[Failure] = []
    if goal.lower() == "create":
        yield from _until_there(session, words, timeout)
        return 0
    infos = yield from targets.resolve(session, words, words.positional, failures)
    if goal.lower() == "delete":
        missing = [failure for failure in failures if isinstance(failure, Refused) and failure.reason == "NotFound"]
        raise_all([failure for failure in failures if failure not in missing])
        yield from gone(session, [(info, info.tree.get("metadata", {}).get("uid", "")) for info in infos], timeout)
        for info in infos:
            session.say(f"{info.title} condition met")
        return 0
    if not infos and not failures:
        raise Failure("no matching resources found")
    assert test is not None
    start = session.waited
    for info in infos:
        try:
            yield from _until(session, info, test, start + timeout)
            session.say(f"{info.title} condition met")
        except Failure as failure:
            failures.append(failure)
    raise_all(failures)
    return 0


def _test(goal: str) -> Test:
    kind, _, rest = goal.partition("=")
    if kind.lower() == "condition" and rest:
        name, _, value = rest.partition("=")
        return lambda tree: _condition(tree, name, value or "true")
    if kind.lower() == "jsonpath" and rest:
        path, equals, value = rest.partition("}=")
        path = path.strip("'") + ("}" if equals and not path.endswith("}") else "")
        wanted = value.strip("'\"")
        return lambda tree: any(jsonpath.text(found) == wanted if equals else True for found in jsonpath.find(path, tree))
    raise Failure(f'unrecognized condition: "{goal}"')


def _condition(tree: Tree, name: str, value: str) -> bool:
    metadata, status = tree.get("metadata") or {}, tree.get("status") or {}
    for condition in status.get("conditions") or ():
        if str(condition.get("type")).lower() == name.lower():
            seen = condition.get("observedGeneration", status.get("observedGeneration", metadata.get("generation", 0)))
            fresh = seen >= metadata.get("generation", 0)
            return bool(fresh and str(condition.get("status")).lower() == value.lower())
    return False


def _until(session: Session, info: Info, test: Test, deadline: int) -> Asking[None]:
    tree, delay = info.tree, 100 * MS
    while not test(tree):
        if session.waited >= deadline:
            raise Failure(f"timed out waiting for the condition on {info.resource.plural}/{info.name}")
        yield from session.pause(min(delay, max(deadline - session.waited, MS)))
        delay = min(delay * 2, 2 * SECOND)
        tree = yield from session.ask("GET", info.path)


def _until_there(session: Session, words: Words, timeout: int) -> Asking[None]:
    for target in targets.read(session, words.positional):
        if not target.name:
            raise Failure("--for=create requires a resource name")
        start, delay = session.waited, 100 * MS
        while True:
            try:
                yield from session.fetch(target.resource, target.name)
                break
            except Refused as refused:
                if refused.reason != "NotFound":
                    raise
                if session.waited - start >= timeout:
                    raise Failure("timed out waiting for the condition") from None
            yield from session.pause(delay)
            delay = min(delay * 2, 2 * SECOND)
        session.say(f"{target.resource.prefix}/{target.name} condition met")
