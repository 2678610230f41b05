"""Plays recorded requests against our server and compares the answers with those of a real one.

Placeholders of the recordings: ``<uid>``, ``<ts>``, ``<rv>``, ``<var>``, ``<rand>``, ``<continue>`` stand for any text.
Steps about kinds that we do not serve yet are left out.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote

from k8s_tutor.api.scheme import parse_path

Tree = dict[str, Any]


def matches(expected: Any, actual: Any) -> bool:
    """Whether an answer is the recorded one, but for placeholders and the order of aggregated causes."""
    if isinstance(expected, str):
        if not isinstance(actual, str):
            return False
        if _text(expected, actual):
            return True
        wanted, found = _parts(expected), _parts(actual)
        return len(wanted) > 1 and len(wanted) == len(found) and all(map(_text, wanted, found))
    if isinstance(expected, dict):
        same = isinstance(actual, dict) and expected.keys() == actual.keys()
        return same and all(_member(key, expected[key], actual[key]) for key in expected)
    if isinstance(expected, list):
        return isinstance(actual, list) and len(expected) == len(actual) and all(map(matches, expected, actual))
    return bool(expected == actual)


def _member(key: str, expected: Any, actual: Any) -> bool:
    if key == "causes":
        order = ("field", "message")
        expected, actual = (sorted(side, key=lambda one: [one.get(name, "") for name in order]) for side in (expected, actual))
    return matches(expected, actual)


def _text(expected: str, actual: str) -> bool:
    pattern = re.sub(r"<[a-z]+>", "(.*)", re.sub(r"([^<>a-zA-Z0-9])", r"\\\1", expected))
    return re.fullmatch(pattern, actual, re.DOTALL) is not None


def _parts(text: str) -> list[str]:
    head, found, rest = text.partition(" is invalid: [")
    return [head, *sorted(rest.removesuffix("]").split(", "))] if found else [text]


class Player:
    """One case."""

    def __init__(self, cluster: Any, case: Tree) -> None:
        self.cluster, self.case = cluster, case
        self.values: dict[str, str] = {}
        self.bodies: list[Any] = []
        self.watches: dict[str, int] = {}
        self.failures: list[str] = []
        namespace = case["namespace"]
        if namespace:
            cluster.ask("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
            root = {"metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": "x"}}
            cluster.ask("POST", f"/api/v1/namespaces/{namespace}/configmaps", root)
            cluster.account(namespace)
            cluster.pause()

    def fill(self, value: Any) -> Any:
        """A step with ``${name}`` replaced."""
        text = json.dumps(value)
        for name, found in self.values.items():
            text = text.replace("${" + name + "}", found)
        return json.loads(text)

    def play(self, skip: Any = lambda step: False) -> list[str]:
        """All steps; returns what differs."""
        for index, step in enumerate(self.case["steps"]):
            if "request" in step:
                self._request(index, self.fill(step), skip(step))
            elif "openWatch" in step:
                path = unquote(self.fill(step["path"]))
                mark = "&" if "?" in path else "?"
                self.watches[step["openWatch"]] = self.cluster.send("GET", f"{path}{mark}watch=1")
            elif "watch" in step:
                self._watch(index, step)
            elif "observe" in step:
                self._observe(index, step, skip)
            else:
                self._settle()
        return self.failures

    def _settle(self) -> None:
        """There is no scheduler here: every pod that fits anywhere gets a node."""
        self.cluster.pause(2_000_000)
        root = f"/api/v1/namespaces/{self.case['namespace']}/pods"
        for pod in self.cluster.ask("GET", root)[1]["items"]:
            if not pod["spec"].get("nodeName") and not pod["spec"].get("nodeSelector"):
                target = {"metadata": {"name": pod["metadata"]["name"]}, "target": {"kind": "Node", "name": "node-1"}}
                assert self.cluster.ask("POST", f"{root}/{pod['metadata']['name']}/binding", target)[0] == 201
        self.cluster.pause(2_000_000)

    def _known(self, path: str) -> bool:
        return parse_path(path.partition("?")[0]).resource is not None

    def _request(self, index: int, step: Tree, skip: bool) -> None:
        request, expect = step["request"], step["expect"]
        if skip or not self._known(request["path"]) or "rawBody" in request:
            self.bodies.append(None)
            return
        user = {"admin": "kubernetes-admin"}.get(request["as"], request["as"])
        groups = {"alice": ("dev",), "bob": ("ops",)}.get(user, ())
        kind = request.get("contentType", "application/json")
        path = unquote(request["path"])
        if "watch=1" in path or "/watch/" in path:
            code, body = self._short_watch(request["method"], path, user, groups)
        else:
            code, body = self.cluster.ask(request["method"], path, request.get("body"), user, content_type=kind, groups=groups)
        self.bodies.append(body)
        self.cluster.pause(10_000)
        if code != expect["code"]:
            self.failures.append(f"{index} {request['method']} {path}: code {code}, not {expect['code']}: {body}")
            return
        for name, expression in step.get("capture", {}).items():
            self.values[name] = str(eval(expression, {"o": body, "json": json}))
        if step.get("setup") or "body" not in expect:
            return
        told = [f'299 - "{json.dumps(text)[1:-1]}"' for text in self.cluster.warnings]
        if told != expect.get("warnings", []):
            self.failures.append(f"{index} {path}: warnings {told}, not {expect.get('warnings')}")
        if "pick" in step:
            body = eval(step["pick"], {"o": body, "json": json})
        options = [expect["body"], *(other["body"] for other in expect.get("alternatives", ()))]
        if not any(matches(option, body) for option in options):
            self.failures.append(f"{index} {request['method']} {path}:\n  want {expect['body']}\n  got  {body}")

    def _short_watch(self, method: str, path: str, user: str, groups: tuple[str, ...]) -> tuple[int, Any]:
        call = self.cluster.send(method, path, None, user, groups=groups)
        self.cluster.pause(3_000_000)
        answer = self.cluster.client.answers[call]
        if answer.code != 200:
            return answer.code, json.loads(answer.body)
        return 200, "\n".join(json.dumps(event) for event in self._events(call))

    def _events(self, call: int) -> list[Tree]:
        frames = [frame for frame in self.cluster.client.frames if frame.watch == call]
        return [{"type": frame.type, "object": json.loads(frame.object)} for frame in frames]

    def _watch(self, index: int, step: Tree) -> None:
        found = eval(step["pick"], {"o": self._events(self.watches[step["watch"]]), "json": json})
        if not matches(step["events"], found):
            self.failures.append(f"{index} watch {step['watch']}:\n  want {step['events']}\n  got  {found}")

    def _observe(self, index: int, step: Tree, skip: Any) -> None:
        if skip(step):
            return
        found = eval(step["observe"], {"o": self.bodies, "json": json})
        if not matches(step["observed"], found):
            self.failures.append(f"{index} observe: want {step['observed']}, got {found}")
