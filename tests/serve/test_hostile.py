"""Hostile input: each gets a right status, the server keeps serving, nothing is lost."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.serve.conftest import Served

MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.fixture(autouse=True)
def still_serving(served: Served) -> Iterator[None]:
    """Whatever a test does, what was stored before is there afterwards."""
    code, _ = served.ask("POST", MAPS, {"metadata": {"name": "witness"}, "data": {"k": "v"}})
    assert code in (201, 409)
    yield
    assert served.process.poll() is None
    assert served.ask("GET", f"{MAPS}/witness")[1]["data"] == {"k": "v"}


def wire(served: Served, data: bytes, user: str = "admin", wait: float = 30.0) -> bytes:
    """Sends bytes as they are; returns all that comes back until the server closes or falls silent."""
    with served.socket(user) as end:
        end.settimeout(wait)
        received = b""
        with contextlib.suppress(OSError):
            end.sendall(data)
        with contextlib.suppress(TimeoutError, ConnectionError, ssl.SSLError):
            while part := end.recv(65536):
                received += part
        return received


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0


def test_a_body_beyond_3_mib_is_413_whether_it_says_so_or_not(served: Served) -> None:
    large = json.dumps({"metadata": {"name": "large"}, "data": {"k": "x" * (3 * 1024 * 1024)}}).encode()
    code, body = served.ask("POST", MAPS, large)
    assert (code, body["reason"]) == (413, "RequestEntityTooLarge")
    assert body["message"] == "Request entity too large: limit is 3145728"
    head = f"POST {MAPS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    assert status_of(wire(served, head + chunk * 4, wait=5)) == 413


def test_an_object_beyond_what_etcd_takes_is_refused(served: Served) -> None:
    code, body = served.ask("POST", MAPS, {"metadata": {"name": "fat"}, "data": {"k": "x" * 1_700_000}})
    assert code in (413, 422, 500), body
    assert served.ask("GET", f"{MAPS}/fat")[0] == 404


def test_a_body_that_is_cut_short_changes_nothing(served: Served) -> None:
    head = f"POST {MAPS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n".encode()
    with served.socket("admin") as end:
        end.sendall(head + b'{"metadata":{"name":"cut"}')
    assert served.ask("GET", f"{MAPS}/cut")[0] == 404


@pytest.mark.parametrize(("body", "kind", "code"), [
    (b"{", "application/json", 400),
    (b"\xff\xfe\x00{}", "application/json", 400),
    (b'{"metadata":{"name":"\xc3\x28"}}', "application/json", 400),
    (b"{}{}", "application/json", 400),
    (b"null", "application/json", 400),
    (b"[]", "application/json", 400),
    (b'"text"', "application/json", 400),
    (b"", "application/json", 400),
    (b"{}", "text/plain", 415),
    (b"{}", "application/vnd.kubernetes.protobuf", 400),
    (b"k8s\x00\xff\xff\xff\xff", "application/vnd.kubernetes.protobuf", 400),
    (b"\ta: [", "application/yaml", 400),
    (b"a: &a [*a]", "application/yaml", 400),
    (b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]", "application/yaml", 400),
    (b"metadata: {name: a}\ndata: {k: .nan}", "application/yaml", 400),
    (b"? [a, b]\n: c", "application/yaml", 400),
    (b"metadata: {name: a}\ndata: {k: !!binary aGk=}", "application/yaml", 400),
    (b"data: {k: " + b"9" * 5_000 + b"}", "application/yaml", 400),
    (b"\x00\x01", "application/yaml", 400),
    (b"\xff", "application/yaml", 400),
    (b"%YAML 9.9\n---\na: b", "application/yaml", 400),
    (b'{"metadata":{"name":"a"},"data":{"k":NaN}}', "application/json", 400),
    (b'{"metadata":{"name":"a"},"data":{"k":-Infinity}}', "application/json", 400),
    (b'{"metadata":{"name":"a"},"data":{"k":1e999}}', "application/json", 400),
    (b'{"metadata":{"name":"a"},"data":{"k":' + b"9" * 5_000 + b"}}", "application/json", 400),
    ('{"metadata":{"name":"a"}}'.encode("utf-16"), "application/json", 400),
    (zlib.compress(b'{"metadata":{"name":"zipped"}}'), "application/json", 400),
])  # fmt: skip
def test_a_body_that_cannot_be_read_is_a_client_error(served: Served, body: bytes, kind: str, code: int) -> None:
    found, answer = served.ask("POST", MAPS, body, headers={"Content-Type": kind})
    assert found == code, answer
    assert answer["kind"] == "Status"


def test_half_a_character_is_replaced(served: Served) -> None:
    code, answer = served.ask("POST", MAPS, b'{"metadata":{"name":"half"},"data":{"k":"\\ud800"}}')
    assert (code, answer.get("data")) == (201, {"k": "\ufffd"}), answer
    assert served.ask("DELETE", f"{MAPS}/half")[0] == 200


def test_dates_in_yaml_stay_texts(served: Served) -> None:
    body = b"metadata:\n  name: dated\n  annotations: {at: 1:30}\ndata: {day: 2026-01-01}"
    code, answer = served.ask("POST", MAPS, body, headers={"Content-Type": "application/yaml"})
    assert code == 201, answer
    assert (answer["data"], answer["metadata"]["annotations"]) == ({"day": "2026-01-01"}, {"at": "1:30"})
    assert served.ask("DELETE", f"{MAPS}/dated")[0] == 200


@pytest.mark.parametrize(("line", "codes"), [
    (b"GET /api/v1/\xff\xfe HTTP/1.1", (400, 403, 404)),
    (b"GET /api/v1/pods?labelSelector=\xff HTTP/1.1", (400, 403)),
    (b"GET /api/v1/pods?continue=\xe4\xf6 HTTP/1.1", (400,)),
    (b"G\xff\xffT /api/v1/pods HTTP/1.1", (400, 405)),
])  # fmt: skip
def test_bytes_that_are_no_text_in_the_first_line(served: Served, line: bytes, codes: tuple[int, ...]) -> None:
    assert status_of(wire(served, line + b"\r\nHost: x\r\nConnection: close\r\n\r\n", wait=5)) in codes


@pytest.mark.parametrize(("header", "codes"), [
    (b"Authorization: Bearer \xff\xfe", (401,)), (b"Authorization: \xff", (403,)), (b"Accept: \xff/\xfe", (200, 403, 406)),
    (b"Impersonate-User: \xff\xfe", (200, 403)), (b"Impersonate-Group: \xff", (400, 403, 500)),
    (b"Impersonate-Extra-\xff: x", (400, 403, 500)), (b"If-None-Match: \xff", (200, 403)),
])  # fmt: skip
def test_bytes_that_are_no_text_in_a_header(served: Served, header: bytes, codes: tuple[int, ...]) -> None:
    user = "" if header.startswith(b"Auth") else "admin"
    data = b"GET " + MAPS.encode() + b" HTTP/1.1\r\nHost: x\r\n" + header + b"\r\nConnection: close\r\n\r\n"
    assert status_of(wire(served, data, user, wait=5)) in codes


def test_bytes_that_are_no_text_in_the_headers_of_a_write(served: Served) -> None:
    body = b'{"metadata":{"name":"odd"}}'
    for kind, codes in ((b"application/json;\xff", (201,)), (b"\xff", (415,))):
        data = (b"POST " + MAPS.encode() + b" HTTP/1.1\r\nHost: x\r\nUser-Agent: \xff\xfe\r\nContent-Type: " + kind +
                b"\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)  # fmt: skip
        answer = wire(served, data, wait=5)
        assert status_of(answer) in codes, answer
    assert served.ask("DELETE", f"{MAPS}/odd")[0] == 200


def test_warnings_hold_no_line_breaks(served: Served) -> None:
    connection = served.connect()
    field = "a\r\nX-Injected: 1\x00\x7f\u2028"
    body = json.dumps({"metadata": {"name": "warned"}, field: 1}).encode()
    connection.request("POST", MAPS, body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 201
    assert 'unknown field' in (answer.getheader("Warning") or "")
    assert answer.getheader("X-Injected") is None
    answer.read()
    connection.close()
    assert served.ask("DELETE", f"{MAPS}/warned")[0] == 200


@pytest.mark.parametrize("depth", [149, 400, 5_000, 200_000])
@pytest.mark.parametrize("kind", ["application/json", "application/yaml", "application/merge-patch+json"])
def test_deep_nesting_is_refused_not_followed(served: Served, depth: int, kind: str) -> None:
    body = b'{"metadata":{"name":"deep"},"x":' + b"[" * depth + b"]" * depth + b"}"
    if kind == "application/yaml":
        body = b" " + body.replace(b'"', b"")
    method, path = ("PATCH", f"{MAPS}/witness") if "patch" in kind else ("POST", f"{MAPS}?fieldValidation=Strict")
    code, answer = served.ask(method, path, body, headers={"Content-Type": kind})
    assert code == 400 or (depth < 150 and code < 300), answer
    if depth > 150:
        assert "exceeded max depth" in answer["message"]


@pytest.mark.parametrize("path", [
    "/api/v1/namespaces/default/configmaps/%00", "/api/v1/namespaces/%2e%2e/configmaps", "//api//v1//pods",
    "/api/v1/..%2f..%2fetc",
    "/api/v1/namespaces/default/configmaps/%ff%fe", "/apis/" + "a/" * 200, "/api/v1/namespaces/default/pods/x/y/z",
    "/api/v1/pods?limit=-1", "/api/v1/pods?limit=x", "/api/v1/pods?continue=%%%", "/api/v1/pods?labelSelector=%3D%3D%3D",
    "/api/v1/pods?fieldSelector=spec.x", "/api/v1/pods?resourceVersion=99999999999999999999999",
    "/api/v1/pods?" + "a=b&" * 2000,
    "/api/v1/pods?watch=1&resourceVersion=abc", "/api/v1/pods?timeoutSeconds=99999999999999999999",
    "/" + "x" * 60_000,
])  # fmt: skip
def test_mangled_paths_get_an_answer(served: Served, path: str) -> None:
    code, _ = served.ask("GET", path)
    assert code in (200, 400, 404, 410, 500, 504)


@pytest.mark.parametrize(("data", "codes"), [
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 70_000 + b"\r\n\r\n", (431,)),
    (b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", (431,)),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"".join(b"X%d: y\r\n" % i for i in range(2_000)) + b"\r\n", (400, 431)),
    (b"\x00\x01\x02\x03\r\n\r\n", (400,)),
    (b"GET\r\n\r\n", (400,)),
    (b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n", (400, 505)),
    (b"GET /healthz HTTP/1.1\r\nHost x\r\n\r\n", (400,)),
    (b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", (400,)),
    (b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (400,)),
    (b"POST /api/v1/pods HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", (400,)),
    (b"BREW /api/v1/pods HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", (400, 405)),
])  # fmt: skip
def test_mangled_requests_are_client_errors(served: Served, data: bytes, codes: tuple[int, ...]) -> None:
    assert status_of(wire(served, data, wait=2)) in codes


def test_what_is_no_tls_is_turned_away(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as end:
        end.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            assert not end.recv(100).startswith(b"HTTP/1.1 200")


def test_slow_clients_keep_nobody_waiting(served: Served) -> None:
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(served.socket("admin")) for _ in range(60)]
        for index, end in enumerate(slow):
            end.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n" if index % 2 else b"POST " + MAPS.encode() + b" HTTP/1.1\r\n"
                        b"Host: x\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{")  # fmt: skip
        began = time.monotonic()
        assert served.ask("GET", MAPS)[0] == 200
        assert time.monotonic() - began < 20


def test_a_watcher_that_does_not_read_stops_nobody(served: Served) -> None:
    with served.socket("admin") as end:
        end.sendall(f"GET {MAPS}?watch=1 HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        for index in range(30):
            tree = {"metadata": {"name": f"big-{index}"}, "data": {"k": "x" * 200_000}}
            assert served.ask("POST", MAPS, tree)[0] == 201
    for index in range(30):
        assert served.ask("DELETE", f"{MAPS}/big-{index}")[0] == 200


def test_a_flood_is_answered_with_200_or_429(served: Served) -> None:
    codes: Counter[int] = Counter()

    def work() -> None:
        token = served.headers("alice")["Authorization"]
        request = f"GET {MAPS} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n".encode()
        with served.socket("alice") as end:
            end.settimeout(30)
            end.sendall(request * 30)
            text = b""
            with contextlib.suppress(TimeoutError):
                while text.count(b"HTTP/1.1 ") < 30 and (part := end.recv(65536)):
                    text += part
            codes.update(int(part[:3]) for part in text.split(b"HTTP/1.1 ")[1:])

    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    assert served.ask("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
        "metadata": {"name": "alice"}, "roleRef": role,
        "subjects": [{"kind": "User", "name": "alice"}],
    })[0] in (201, 409)  # fmt: skip
    served.until(lambda: served.ask("GET", MAPS, user="alice")[0] == 200)
    threads = [threading.Thread(target=work) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(codes) <= {200, 429}
    assert sum(codes.values()) == 600
