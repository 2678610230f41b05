"""What k9s asks for, in its order: version, rights by protobuf, discovery, informers with tables, metrics (k9s internal/client,
internal/dao, internal/watch)."""

from __future__ import annotations

import http.client
import json
from typing import Any

from tests.serve.conftest import Served

SPEED = "20"
AGENT = {"User-Agent": "k9s/v0.50.6 (linux/amd64) kubernetes/$Format"}
TYPED = {**AGENT, "Accept": "application/vnd.kubernetes.protobuf,application/json"}
DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io, application/json;as=Table;v=v1beta1;g=meta.k8s.io, application/json"
PARTIAL = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io,application/json"


PODS = "/api/v1/namespaces/default/pods"


def running(served: Served, name: str) -> str:
    """The path of a pod of this name, which runs."""
    body = {"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
    assert served.ask("POST", PODS, body)[0] in (201, 409)
    path = f"{PODS}/{name}"
    served.until(lambda: served.ask("GET", path)[1]["status"].get("phase") == "Running")
    return path


def field(number: int, data: bytes | str) -> bytes:
    raw = data.encode() if isinstance(data, str) else data
    return bytes((number << 3 | 2, len(raw))) + raw


def review(verb: str, group: str, resource: str, namespace: str = "") -> bytes:
    """A SelfSubjectAccessReview as client-go encodes it."""
    attributes = field(1, namespace) + field(2, verb) + field(3, group) + field(4, "") + field(5, resource)
    head = field(1, "authorization.k8s.io/v1") + field(2, "SelfSubjectAccessReview")
    body = field(1, b"") + field(2, field(1, attributes)) + field(3, b"\x08\x00\x1a\x00")
    return b"k8s\x00" + field(1, head) + field(2, body) + field(3, "") + field(4, "")


def may(served: Served, user: str, *asked: str) -> bool:
    headers = {**TYPED, "Content-Type": "application/vnd.kubernetes.protobuf"}
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    code, answer = served.ask("POST", path, review(*asked), user, headers)
    assert code == 201, answer
    return bool(answer["status"]["allowed"])


def test_it_connects_and_knows_what_it_may_do(served: Served) -> None:
    assert served.ask("GET", "/version?timeout=5s", headers=TYPED)[1]["gitVersion"] == "v1.36.2"
    for verb in ("list", "get", "watch", "patch", "delete"):
        assert may(served, "admin", verb, "", "pods", "default")
    assert may(served, "admin", "list", "", "namespaces")
    assert not may(served, "alice", "list", "apps", "deployments", "default")


def test_it_finds_the_resources_that_it_prefers(served: Served) -> None:
    core = served.ask("GET", "/api?timeout=5s", headers={**AGENT, "Accept": DISCOVERY})[1]
    groups = served.ask("GET", "/apis?timeout=5s", headers={**AGENT, "Accept": DISCOVERY})[1]
    found = {
        (group["metadata"].get("name", ""), row["resource"]): row
        for group in (*core["items"], *groups["items"]) for version in group["versions"] for row in version["resources"]
    }  # fmt: skip
    assert found["", "pods"]["shortNames"] == ["po"] and "watch" in found["", "pods"]["verbs"]
    assert {("apps", "deployments"), ("batch", "jobs"), ("metrics.k8s.io", "pods")} <= set(found)


def _watch(served: Served, path: str, accept: str) -> tuple[http.client.HTTPSConnection, http.client.HTTPResponse]:
    connection = served.connect()
    connection.request("GET", path, headers={**AGENT, "Accept": accept})
    answer = connection.getresponse()
    assert answer.status == 200
    return connection, answer


def test_its_informers_list_and_watch(served: Served) -> None:
    """A dynamic informer begins with a watch that sends what there is; an older one lists first."""
    pods = "/api/v1/pods"
    query = "allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&sendInitialEvents=true&timeoutSeconds=30&watch=true"
    connection, stream = _watch(served, f"{pods}?{query}", "application/json")
    events: list[dict[str, Any]] = [json.loads(stream.readline())]
    while events[-1]["type"] != "BOOKMARK":
        events.append(json.loads(stream.readline()))
    assert events[-1]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    listed = served.ask("GET", f"{pods}?limit=500&resourceVersion=0", headers={**AGENT, "Accept": "application/json"})[1]
    since = f"allowWatchBookmarks=true&resourceVersion={listed['metadata']['resourceVersion']}&timeoutSeconds=30&watch=true"
    other, older = _watch(served, f"{pods}?{since}", "application/json")
    body = {"metadata": {"name": "new"}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
    assert served.ask("POST", PODS, body)[0] == 201
    for one in (stream, older):
        event = json.loads(one.readline())
        while event["object"]["metadata"]["name"] != "new":  # what else is in the cluster goes on
            event = json.loads(one.readline())
        assert event["type"] == "ADDED"
    connection.close()
    other.close()


def test_it_draws_tables_and_reads_metadata(served: Served) -> None:
    running(served, "drawn")
    rows = served.ask("GET", "/api/v1/namespaces/default/pods", headers={**AGENT, "Accept": TABLE})[1]
    assert [column["name"] for column in rows["columnDefinitions"]][:5] == ["Name", "Ready", "Status", "Restarts", "Age"]
    assert rows["rows"][0]["object"]["kind"] == "PartialObjectMetadata"
    bare = served.ask("GET", "/api/v1/nodes", headers={**AGENT, "Accept": PARTIAL})[1]
    assert bare["kind"] == "PartialObjectMetadataList" and "spec" not in bare["items"][0]
    scaled = served.ask("GET", "/apis/metrics.k8s.io/v1beta1", headers=AGENT)[1]
    assert {row["name"] for row in scaled["resources"]} == {"nodes", "pods"}


def test_it_shows_what_is_used(served: Served) -> None:
    running(served, "busy")
    nodes = served.until(lambda: served.ask("GET", "/apis/metrics.k8s.io/v1beta1/nodes", headers=TYPED)[1].get("items"))
    assert set(nodes[0]["usage"]) == {"cpu", "memory"}
    path = "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods"
    pods = served.until(lambda: served.ask("GET", path, headers=TYPED)[1].get("items"))
    assert pods[0]["containers"][0]["name"] == "c"


def test_it_reads_logs_and_events_and_kills(served: Served) -> None:
    pod = running(served, "seen")
    assert served.ask("GET", f"{pod}/log?container=c&tailLines=100", headers=TYPED)[0] == 200
    chosen = "fieldSelector=involvedObject.name%3Dseen&limit=500"
    events = served.ask("GET", f"/api/v1/namespaces/default/events?{chosen}", headers=TYPED)[1]
    assert "Scheduled" in [event["reason"] for event in events["items"]]
    headers = {**TYPED, "Content-Type": "application/vnd.kubernetes.protobuf"}
    options = field(1, field(1, "v1") + field(2, "DeleteOptions")) + field(2, b"\x08\x00" + field(4, "Background"))
    assert served.ask("DELETE", pod, b"k8s\x00" + options, headers=headers)[0] == 200
    assert served.ask("GET", pod)[0] == 404  # without grace, as it asked
