"""Tools that talk to others: curl, wget, nc, ping, ip. What they say when it fails is what the real ones say."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from k8s_tutor.node.shell import names
from k8s_tutor.node.shell.builtins import read_on, seconds, sleep
from k8s_tutor.node.shell.machine import Burst, Dial, Dialled, Done, Wait
from k8s_tutor.node.shell.tools import cat_on, options
from k8s_tutor.sim import MS, SECOND

USAGE = "BusyBox v1.37.0 multi-call binary.\n\nUsage: "
CONNECT = 130 * SECOND
"""How long a kernel tries to connect (six retries of a SYN)."""
REASONS = {200: "OK", 301: "Moved Permanently", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
           405: "Method Not Allowed", 500: "Internal Server Error", 502: "Bad Gateway",
           503: "Service Temporarily Unavailable", 504: "Gateway Time-out", 308: "Permanent Redirect"}  # fmt: skip


class Url(NamedTuple):
    """``http://host:port/path``."""

    scheme: str
    host: str
    port: int
    path: str


def url_of(text: str) -> Url:
    """A URL taken apart; http when it names no scheme."""
    scheme, found, rest = text.partition("://")
    if not found:
        scheme, rest = "http", text
    where, slash, path = rest.partition("/")
    host, _, port = where.partition(":")
    return Url(scheme, host, int(port) if port.isdigit() else 443 if scheme == "https" else 80, slash + path or "/")


def _http(method: str, url: Url, agent: str, body: str, timeout: int, host: str = "") -> Dial:
    host = host or (url.host if url.port in (80, 443) else f"{url.host}:{url.port}")
    return Dial(url.host, url.port, url.scheme, f"{method} {url.path} {agent}\t{host}\n{body}", timeout)


# ---------------------------------------------------------------------------------------------------- curl

CERTIFICATE = ":certificate"
"""Among the headers of an answer: the name in the certificate that the server has shown."""
FAKE_CERTIFICATE = "Kubernetes Ingress Controller Fake Certificate"


class _Curl(NamedTuple):
    url: str = ""
    silent: bool = False
    errors: bool = False
    head: bool = False
    include: bool = False
    fail: bool = False
    method: str = ""
    body: str = ""
    output: str = ""
    form: str = ""
    timeout: int = 0
    verbose: bool = False
    trusting: bool = False
    """``-k`` or ``--cacert``: it does not mind who has signed the server's certificate, or knows them."""
    token: str = ""
    host: str = ""
    """A ``Host`` header of one's own."""


def _curl_flags(argv: list[str]) -> _Curl:
    found = _Curl()
    long = {"--silent": "s", "--show-error": "S", "--head": "I", "--include": "i", "--fail": "f", "--request": "X",
            "--data": "d", "--output": "o", "--write-out": "w", "--max-time": "m", "--connect-timeout": "m",
            "--verbose": "v", "--header": "H", "--insecure": "k", "--cacert": "C",
            "--location": "L", "--user-agent": "A", "--retry": "H", "--user": "H"}  # fmt: skip
    words = iter(argv[1:])
    for word in words:
        if not word.startswith("-"):
            found = found._replace(url=word)
            continue
        name, _, given = word.partition("=") if word.startswith("--") else (word, "", "")
        letters = long.get(name, "") if word.startswith("--") else word[1:]
        for place, letter in enumerate(letters, 1):
            if letter in "XdowmHAC":
                value = given or ("" if word.startswith("--") else letters[place:]) or next(words, "")
                found = _curl_value(found, letter, value)
                break
            names = {"s": "silent", "S": "errors", "I": "head", "i": "include", "f": "fail", "v": "verbose", "k": "trusting"}
            found = _with(found, names.get(letter, ""), True)
    return found


def _with(found: _Curl, name: str, value: Any) -> _Curl:
    return found._replace(**{name: value}) if name else found


def _curl_value(found: _Curl, letter: str, value: str) -> _Curl:
    if letter == "m":
        return found._replace(timeout=seconds(value) or 0)
    if letter == "C":
        return found._replace(trusting=True)
    if letter == "H" and value.lower().startswith("authorization: bearer "):
        return found._replace(token=value.split()[2] if len(value.split()) > 2 else "")
    if letter == "H" and value.lower().startswith("host:"):
        return found._replace(host=value[5:].strip())
    names = {"X": "method", "d": "body", "o": "output", "w": "form"}
    return _with(found, names.get(letter, ""), value)


def curl(run: Burst | None, argv: list[str], text: str, piped: bool) -> Done | Wait:
    """``curl [-sSfiIvk] [-m SECONDS] [-o FILE] [-w FORMAT] [-X METHOD] [-d BODY] URL``."""
    flags = _curl_flags(argv)
    if not flags.url:
        return Done("", "curl: (2) no URL specified\ncurl: try 'curl --help' or 'curl --manual' for more information\n", 2)
    method = flags.method or ("HEAD" if flags.head else "POST" if flags.body else "GET")
    url = url_of(flags.url)
    dial = _http(method, url, "curl/8.17.0", flags.body, flags.timeout or CONNECT, flags.host)
    return Wait("dial", tuple(argv), dial=msgspec.structs.replace(dial, token=flags.token))


def curl_on(run: Burst | None, wait: Wait, answer: Dialled) -> Done:
    """The answer has come, or none."""
    flags = _curl_flags(list(wait.argv))
    url = url_of(flags.url)
    if answer.result != "ok":
        code, why = _curl_error(url, answer, flags)
        shown = "" if flags.silent and not flags.errors else f"curl: ({code}) {why}\n"
        return Done(_written(flags, 0), shown, code)
    certificate = dict(answer.headers).get(CERTIFICATE)
    if url.scheme == "https" and not flags.trusting:
        problem = "self-signed certificate" if certificate == FAKE_CERTIFICATE else "unable to get local issuer certificate"
        untrusted = _UNTRUSTED.format(problem=problem)
        return Done(_written(flags, 0), "" if flags.silent and not flags.errors else untrusted, 60)
    head = _header(answer) if flags.head or flags.include else ""
    if flags.fail and answer.code >= 400:
        shown = "" if flags.silent and not flags.errors else f"curl: (22) The requested URL returned error: {answer.code}\n"
        return Done(_written(flags, answer.code), shown, 22)
    body = head + ("" if flags.head else answer.data)
    if flags.output:
        if flags.output != "/dev/null" and run is not None:
            run.box.files.write(run.path(flags.output), body)
        body = ""
    errors = ""
    if flags.verbose:
        errors = f"*   Trying {answer.address}...\n* Connected to {url.host} port {url.port}\n"
        errors += f"* Server certificate:\n*  subject: {_subject(certificate)}\n" if certificate is not None else ""
        errors += f"> {flags.method or 'GET'} {url.path} HTTP/1.1\n> Host: {flags.host or url.host}\n"
        errors += "> User-Agent: curl/8.17.0\n> Accept: */*\n>\n"
        errors += "".join(f"< {line}\n" for line in _header(answer).splitlines())
    return Done(body + _written(flags, answer.code), errors)


_UNTRUSTED = """curl: (60) SSL certificate problem: {problem}
More details here: https://curl.se/docs/sslcerts.html

curl failed to verify the legitimacy of the server and therefore could not
establish a secure connection to it. To learn more about this situation and
how to fix it, please visit the webpage mentioned above.
"""


def _subject(name: str) -> str:
    return f"O=Acme Co; CN={name}" if name == FAKE_CERTIFICATE else f"CN={name}"


def _written(flags: _Curl, code: int) -> str:
    return flags.form.replace("%{http_code}", f"{code:03d}").replace("\\n", "\n")


def _curl_error(url: Url, answer: Dialled, flags: _Curl) -> tuple[int, str]:
    took = answer.took // MS
    if answer.result == "unknown":
        return 6, f"Could not resolve host: {url.host}"
    if answer.result == "timeout":
        return 28, f"Connection timed out after {took} milliseconds" if flags.timeout else (
            f"Failed to connect to {url.host} port {url.port} after {took} ms: Could not connect to server"
        )
    if answer.result == "reset":
        return 56, "Recv failure: Connection reset by peer"
    if answer.result == "plain":
        return 35, "TLS connect error: error:0A00010B:SSL routines::wrong version number"
    if answer.result == "speechless":
        return 1, "Received HTTP/0.9 when not allowed"
    return 7, f"Failed to connect to {url.host} port {url.port} after {took} ms: Could not connect to server"


def _header(answer: Dialled) -> str:
    told = [f"{name}: {value}" for name, value in answer.headers if name != CERTIFICATE]
    lines = [f"HTTP/1.1 {answer.code} {REASONS.get(answer.code, '')}", *told]
    return "".join(line + "\r\n" for line in [*lines, ""])


# ---------------------------------------------------------------------------------------------------- wget


def wget(run: Burst, argv: list[str], text: str, piped: bool) -> Done | Wait:
    """``wget [-qS] [-O FILE|-] [-T SECONDS] [--spider] URL``, as busybox has it."""
    _, values, rest = options([argv[0], *(word.replace("--timeout=", "-T") for word in argv[1:])], "OTYtP")
    urls = [word for word in rest if not word.startswith("--")]
    if not urls:
        return Done("", f"{USAGE}wget [-cqS] [--spider] [-O FILE] [-o LOGFILE] URL...\n", 1)
    url = url_of(urls[0])
    return Wait("dial", tuple(argv), dial=_http("GET", url, "Wget", "", seconds(values.get("T", "")) or CONNECT))


def wget_on(run: Burst, wait: Wait, answer: Dialled) -> Done:
    """The answer has come, or none."""
    argv = list(wait.argv)
    letters, values, rest = options([argv[0], *(word.replace("--timeout=", "-T") for word in argv[1:])], "OTYtP")
    url = url_of(next(word for word in rest if not word.startswith("--")))
    where = f"{url.host}:{url.port}" if url.port != 80 else url.host
    if answer.result == "unknown":
        return Done("", f"wget: bad address '{where}'\n", 1)
    start = "" if "q" in letters else f"Connecting to {where} ({answer.address or url.host}:{url.port})\n"
    if answer.result != "ok":
        why = {"refused": "Connection refused", "unreachable": "Host is unreachable", "reset": "error getting response"}
        if answer.result == "timeout":
            return Done("", f"{start}wget: download timed out\n", 1)
        text = why.get(answer.result, "error getting response")
        if not text.startswith("error"):
            text = f"can't connect to remote host ({answer.address or url.host}): {text}"
        return Done("", f"{start}wget: {text}\n", 1)
    if answer.code >= 400:
        return Done("", f"{start}wget: server returned error: HTTP/1.1 {answer.code} {REASONS.get(answer.code, '')}\n", 1)
    if "--spider" in rest:
        return Done("", start + ("" if "q" in letters else "remote file exists\n"))
    target = values.get("O", "") or (url.path.rsplit("/", 1)[-1] or "index.html")
    if target == "-":
        said = "" if "q" in letters else f"writing to stdout\n{_bar('-', answer)}written to stdout\n"
        return Done(answer.data, start + said)
    if target != "/dev/null":
        run.box.files.write(run.path(target), answer.data)
    said = "" if "q" in letters else f"saving to '{target}'\n{_bar(target, answer)}'{target}' saved\n"
    return Done("", start + said)


def _bar(name: str, answer: Dialled) -> str:
    return f"{name[:20]:<20} 100% |********************************| {len(answer.data.encode()):>5}  0:00:00 ETA\n"


# ---------------------------------------------------------------------------------------------------- nc, ping, ip


def nc(run: Burst, argv: list[str], text: str, piped: bool) -> Done | Wait:
    """``nc [-zv] [-w SECONDS] HOST PORT`` and ``nc -l -p PORT``."""
    letters, values, rest = options(argv, "wp")
    if "l" in letters:
        port = values.get("p", "") or (rest[-1] if rest else "")
        return Wait("listen", tuple(argv), note=port) if port.isdigit() else Done("", "nc: bad local port\n", 1)
    if len(rest) < 2 or not rest[1].isdigit():
        return Done("", f"{USAGE}nc [OPTIONS] HOST PORT\n", 1)
    timeout = seconds(values.get("w", "")) or CONNECT
    return Wait("dial", tuple(argv), dial=Dial(rest[0], int(rest[1]), "tcp", "" if "z" in letters else text, timeout))


def nc_on(run: Burst, wait: Wait, answer: Dialled) -> Done:
    """Connected, or not; or somebody has connected."""
    letters, _, rest = options(list(wait.argv), "wp")
    if "l" in letters:
        return Done(answer.data)
    host, port = rest[0], rest[1]
    if answer.result == "ok":
        return Done("" if "z" in letters else answer.data, f"{host} ({answer.address}:{port}) open\n" if "v" in letters else "")
    if answer.result == "unknown":
        return Done("", f"nc: bad address '{host}'\n", 1)
    why = {"refused": "Connection refused", "unreachable": "Host is unreachable"}.get(answer.result, "Connection timed out")
    return Done("", f"nc: {host} ({answer.address or host}:{port}): {why}\n", 1)


def ping(run: Burst, argv: list[str], text: str, piped: bool) -> Done | Wait:
    """``ping [-c COUNT] [-s SIZE] [-W SECONDS] HOST``."""
    _, values, rest = options(argv, "cWiws")
    if not rest:
        return Done("", f"{USAGE}ping [OPTIONS] HOST\n", 1)
    timeout = seconds(values.get("W", "")) or 10 * SECOND
    return Wait("dial", tuple(argv), dial=Dial(rest[0], 0, "icmp", "." * _bytes(values), timeout))


def _bytes(values: dict[str, str]) -> int:
    """How many bytes an echo carries."""
    size = values.get("s", "")
    return min(int(size), 65_507) if size.isdigit() else 56


def ping_on(run: Burst, wait: Wait, answer: Dialled | None) -> Done | Wait:
    """An echo has come back, or not. ``note`` holds how many were sent, came back, and the address."""
    _, values, rest = options(list(wait.argv), "cWiws")
    host = rest[0]
    most = int(values["c"]) if values.get("c", "").isdigit() else 0
    timeout = seconds(values.get("W", "")) or 10 * SECOND
    if answer is None:  # the second between two echoes is over
        return Wait("dial", wait.argv, dial=Dial(host, 0, "icmp", "." * _bytes(values), timeout), note=wait.note)
    if answer.result == "unknown":
        return Done("", f"ping: bad address '{host}'\n", 1)
    sent, came = (int(word) for word in (wait.note or "0 0").split())
    out = "" if sent else f"PING {host} ({answer.address}): {_bytes(values)} data bytes\n"
    if answer.result == "ok":
        took = f"{answer.took // MS}.{answer.took % MS:03d} ms"
        out += f"{_bytes(values) + 8} bytes from {answer.address}: seq={sent} ttl=62 time={took}\n"
        came += 1
    sent += 1
    if most and sent >= most:
        lost = (sent - came) * 100 // sent
        out += f"\n--- {host} ping statistics ---\n{sent} packets transmitted, {came} packets received, {lost}% packet loss\n"
        return Done(out, "", 0 if came else 1)
    return Wait("time", wait.argv, SECOND, out=out, note=f"{sent} {came}")


def ip(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    """``ip addr``, ``link``, ``route`` and ``neigh``."""
    return Done(*run.box.network(argv))


TOOLS = {**names.TOOLS, "curl": curl, "wget": wget, "nc": nc, "ping": ping, "ip": ip, "sleep": sleep}
RESUME = {
    **names.RESUME, "curl": curl_on, "wget": wget_on, "nc": nc_on, "ping": ping_on, "cat": cat_on, "read": read_on,
}  # fmt: skip
