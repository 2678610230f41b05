"""Tools that ask name servers: nslookup (busybox's), dig, host, getent. Each question is one `Dial` of its own."""

from __future__ import annotations

import re

import msgspec

from k8s_tutor.node.dns import resolver
from k8s_tutor.node.dns.message import NOERROR, NXDOMAIN, PORT, Query, Record, Reply, packed, reply_of
from k8s_tutor.node.shell.machine import Burst, Dial, Dialled, Done, Wait
from k8s_tutor.sim import MS, SECOND, Body

TRY = 5 * SECOND
TRIES = 3
SILENCE = ";; connection timed out; no servers could be reached\n"


class Asking(Body):
    """What a tool still has to ask and what it has heard, kept between its questions: how often the first of ``left`` was asked
    in vain, and for how long it took (µs)."""

    server: str
    left: tuple[Query, ...]
    heard: tuple[tuple[Query, Reply], ...] = ()
    tried: int = 0
    took: int = 0


def _conf(run: Burst) -> resolver.Conf:
    return resolver.read(run.box.files.read("/etc/resolv.conf") or "")


def _start(run: Burst, argv: list[str], server: str, queries: list[Query]) -> Wait:
    conf = _conf(run)
    return _ask(tuple(argv), Asking(server or (conf.servers[0] if conf.servers else "127.0.0.1"), tuple(queries)))


def _ask(argv: tuple[str, ...], asking: Asking) -> Wait:
    dial = Dial(asking.server, PORT, "dns", packed(asking.left[0]), TRY)
    return Wait("dial", argv, dial=dial, note=msgspec.json.encode(asking).decode())


def _went_on(wait: Wait, answer: Dialled) -> Asking | Wait:
    """After an answer: the next question, or everything that was heard; ``left`` is not empty when nobody answered."""
    asking = msgspec.json.decode(wait.note, type=Asking)
    if answer.result != "ok":
        asking = msgspec.structs.replace(asking, tried=asking.tried + 1)
        return asking if asking.tried >= TRIES else _ask(wait.argv, asking)
    heard = (*asking.heard, (asking.left[0], reply_of(answer.data)))
    asking = Asking(asking.server, asking.left[1:], heard, 0, answer.took)
    return _ask(wait.argv, asking) if asking.left else asking


def _pointer(name: str) -> str:
    """The name under which an address is asked for, or empty."""
    return ".".join(reversed(name.split("."))) + ".in-addr.arpa" if re.fullmatch(r"\d+\.\d+\.\d+\.\d+", name) else ""


# ---------------------------------------------------------------------------------------------------- nslookup


def nslookup(run: Burst, argv: list[str], text: str, piped: bool) -> Done | Wait:
    """``nslookup [-type=TYPE] NAME [SERVER]``. A name with a dot is asked for as it is, one without in each search domain
    (busybox networking/nslookup.c)."""
    names = [word for word in argv[1:] if not word.startswith("-")]
    if not names:
        return Done("", "Usage: nslookup [-type=QUERY_TYPE] [-debug] HOST [DNS_SERVER]\n", 1)
    given = next((word.partition("=")[2] for word in argv[1:] if word.startswith(("-type=", "-querytype=", "-q="))), "")
    name, pointer = names[0], _pointer(names[0])
    if pointer and not given:
        return _start(run, argv, names[1] if len(names) > 1 else "", [Query(pointer, "PTR")])
    search = () if "." in name else _conf(run).search
    full = [f"{name}.{domain}" for domain in search] or [name.rstrip(".")]
    types = [given.upper()] if given else ["A", "AAAA"]
    return _start(run, argv, names[1] if len(names) > 1 else "", [Query(one, kind) for kind in types for one in full])


def nslookup_on(run: Burst, wait: Wait, answer: Dialled) -> Done | Wait:
    """A name server has answered, or none."""
    found = _went_on(wait, answer)
    if isinstance(found, Wait):
        return found
    if found.left:
        return Done(SILENCE + "\n", "", 1)
    out, code = f"Server:\t\t{found.server}\nAddress:\t{found.server}:{PORT}\n\n", 0
    for query, reply in found.heard:
        if reply.code != NOERROR:
            out, code = out + f"** server can't find {query.name}: {reply.code}\n", 1
        out += "".join(_nslookup_line(record) for record in reply.records) + "\n"
    return Done(out, "", code)


def _nslookup_line(record: Record) -> str:
    value = record.value.rstrip(".")
    lines = {
        "A": f"Name:\t{record.name}\nAddress: {value}\n", "PTR": f"{record.name}\tname = {value}\n",
        "CNAME": f"{record.name}\tcanonical name = {value}\n", "SRV": f"{record.name}\tservice = {value}\n",
        "TXT": f"{record.name}\ttext = {value}\n",
    }  # fmt: skip
    return lines.get(record.type, "")


# ---------------------------------------------------------------------------------------------------- dig


def dig(run: Burst, argv: list[str], text: str, piped: bool) -> Done | Wait:
    """``dig [@SERVER] [-x] NAME [TYPE] [+short] [+search]``."""
    server, words = "", []
    for word in argv[1:]:
        if word.startswith("@"):
            server = word[1:]
        elif not word.startswith(("+", "-")):
            words.append(word)
    kinds = [word.upper() for word in words if word.upper() in ("A", "AAAA", "SRV", "PTR", "CNAME", "TXT", "ANY", "NS", "SOA")]
    names = [word for word in words if word.upper() not in kinds]
    name = names[0].rstrip(".") if names else ""
    if "-x" in argv and name:
        return _start(run, argv, server, [Query(_pointer(name) or name, "PTR")])
    full = resolver.candidates(_conf(run), names[0]) if names and "+search" in argv else (name,)
    return _start(run, argv, server, [Query(one, kinds[0] if kinds else "A") for one in full])


def dig_on(run: Burst, wait: Wait, answer: Dialled) -> Done | Wait:
    """A name server has answered, or none."""
    found = _went_on(wait, answer)
    argv = list(wait.argv)
    if isinstance(found, Wait):
        if len(found_heard := msgspec.json.decode(found.note, type=Asking).heard) and found_heard[-1][1].code == NOERROR:
            found = Asking(msgspec.json.decode(wait.note, type=Asking).server, (), found_heard, 0, answer.took)
        else:
            return found
    asked = " ".join(argv[1:])
    head = f"\n; <<>> DiG 9.20.15 <<>> {asked}\n;; global options: +cmd\n"
    if found.left:
        lost = f";; communications error to {found.server}#{PORT}: timed out\n" * TRIES
        return Done(lost + (head if "+short" not in argv else "") + ";; no servers could be reached\n", "", 9)
    query, reply = found.heard[-1]
    if "+short" in argv:
        return Done("".join(record.value + "\n" for record in reply.records if record.type in (query.type, "CNAME")))
    return Done(head + _dig_answer(run, query, reply, found))


def _dig_answer(run: Burst, query: Query, reply: Reply, found: Asking) -> str:
    own = [record for record in reply.records if record.type in (query.type, "CNAME")]
    extra = [record for record in reply.records if record not in own]
    soa = not own and bool(reply.zone)
    flags = "qr aa rd" if reply.authority else "qr rd ra"
    ident = sum(ord(sign) * (place + 7) for place, sign in enumerate(query.name)) % 65_536
    out = (
        f";; Got answer:\n;; ->>HEADER<<- opcode: QUERY, status: {reply.code}, id: {ident}\n;; flags: {flags}; QUERY: 1, "
        f"ANSWER: {len(own)}, AUTHORITY: {int(soa)}, ADDITIONAL: {1 + len(extra)}\n"
    )
    out += ";; WARNING: recursion requested but not available\n" if reply.authority else ""
    out += "\n;; OPT PSEUDOSECTION:\n; EDNS: version: 0, flags:; udp: 1232\n"
    out += f";; QUESTION SECTION:\n;{query.name}.\t\tIN\t{query.type}\n\n"
    for title, records in (("ANSWER", own), ("ADDITIONAL", extra)):
        if records:
            rows = "".join(f"{one.name}.\t{one.ttl}\tIN\t{one.type}\t{one.value}\n" for one in records)
            out += f";; {title} SECTION:\n{rows}\n"
    if soa:
        zone = f"{reply.zone}.\t\t30\tIN\tSOA\tns.dns.{reply.zone}. hostmaster.{reply.zone}. 1 7200 1800 86400 30\n"
        out += f";; AUTHORITY SECTION:\n{zone}\n"
    size = 54 + len(query.name) + sum(24 + 2 * len(one.name) for one in reply.records)
    when = run.command(["date", "+%a %b %d %H:%M:%S UTC %Y"], "", False)
    stamp = when.out.strip() if isinstance(when, Done) else ""
    out += f";; Query time: {found.took // MS} msec\n;; SERVER: {found.server}#{PORT}({found.server}) (UDP)\n"
    return out + f";; WHEN: {stamp}\n;; MSG SIZE  rcvd: {size}\n\n"


# ---------------------------------------------------------------------------------------------------- host, getent


def host(run: Burst, argv: list[str], text: str, piped: bool) -> Done | Wait:
    """``host NAME [SERVER]``: each search domain in turn."""
    names = [word for word in argv[1:] if not word.startswith("-")]
    if not names:
        return Done("", "Usage: host [-aCdilrTvVw] [-c class] [-N ndots] [-t type] hostname [server]\n", 1)
    server, pointer = names[1] if len(names) > 1 else "", _pointer(names[0])
    if pointer:
        return _start(run, argv, server, [Query(pointer, "PTR")])
    return _start(run, argv, server, [Query(one) for one in resolver.candidates(_conf(run), names[0])])


def host_on(run: Burst, wait: Wait, answer: Dialled) -> Done | Wait:
    """A name server has answered, or none."""
    before = msgspec.json.decode(wait.note, type=Asking)
    found = _went_on(wait, answer)
    if answer.result == "ok":
        query, reply = before.left[0], reply_of(answer.data)
        lines = [_host_line(record) for record in reply.records]
        if lines:
            return Done("".join(lines))
        if len(before.left) == 1 or reply.code not in (NXDOMAIN, NOERROR):
            name = next(word for word in wait.argv[1:] if not word.startswith("-"))
            number = {NXDOMAIN: "3(NXDOMAIN)"}.get(reply.code, "2(SERVFAIL)")
            return Done(f"Host {name} not found: {number}\n" if reply.code != NOERROR else "", "", 1)
        del query
    if isinstance(found, Wait):
        return found
    return Done(f";; communications error to {found.server}#{PORT}: timed out\n" * 2 + SILENCE, "", 1)


def _host_line(record: Record) -> str:
    words = {"A": "has address", "CNAME": "is an alias for", "PTR": "domain name pointer", "SRV": "has SRV record"}
    return f"{record.name} {words.get(record.type, record.type)} {record.value}\n"


def getent(run: Burst, argv: list[str], text: str, piped: bool) -> Done | Wait:
    """``getent hosts NAME``, by the way that libc goes."""
    if argv[1:2] not in (["hosts"], ["ahosts"]) or len(argv) < 3:
        return Done("", f"Unknown database: {argv[1] if len(argv) > 1 else ''}\n", 1)
    return Wait("dial", tuple(argv), dial=Dial(argv[2], 0, "name", timeout=4 * TRY))


def getent_on(run: Burst, wait: Wait, answer: Dialled) -> Done:
    """The address is known, or nobody knows it."""
    return Done(f"{answer.address:<15} {wait.argv[2]}\n") if answer.result == "ok" else Done("", "", 2)


TOOLS = {"nslookup": nslookup, "dig": dig, "host": host, "getent": getent}
RESUME = {"nslookup": nslookup_on, "dig": dig_on, "host": host_on, "getent": getent_on}
