"""All commands of etcdctl and etcdutl: their flags, their pages of help, and which of them a line means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from k8s_tutor.kubectl.errors import Failure, Worded
from k8s_tutor.kubectl.etcdctl import endpoint, keys, lease, member, txn, upkeep
from k8s_tutor.kubectl.help import distance
from k8s_tutor.kubectl.line import Words, declared, read
from k8s_tutor.kubectl.program import Asking
from k8s_tutor.kubectl.session import Session

GLOBAL = "write-out:w endpoints* command-timeout~ dial-timeout~ hex! insecure-skip-tls-verify! cacert cert key"


class Command(NamedTuple):
    """How a command is read, run and explained."""

    flags: str
    run: Callable[[Session, Words], Asking[Any]]
    usage: str
    short: str


COMMANDS: dict[str, Command] = {
    "alarm disarm": Command("", upkeep.disarm, "", "Disarms all alarms"),
    "alarm list": Command("", upkeep.alarms, "", "Lists all alarms"),
    "compaction": Command("physical!", upkeep.compact, "[options] <revision>", "Compacts the event history in etcd"),
    "defrag": Command("cluster!", upkeep.defrag, "", "Defragments the storage of the etcd members with given endpoints"),
    "del": Command(keys.DEL_FLAGS, keys.delete, "[options] <key> [range_end]",
                   "Removes the specified key or range of keys [key, range_end)"),
    "endpoint hashkv": Command("cluster! rev#", endpoint.hash_kv, "",
                               "Prints the KV history hash for each endpoint in --endpoints"),
    "endpoint health": Command("cluster!", endpoint.health, "",
                               "Checks the healthiness of endpoints specified in `--endpoints` flag"),
    "endpoint status": Command("cluster!", endpoint.status, "",
                               "Prints out the status of endpoints specified in `--endpoints` flag"),
    "get": Command(keys.GET_FLAGS, keys.get, "[options] <key> [range_end]", "Gets the key or a range of keys"),
    "lease grant": Command("", lease.grant, "<ttl>", "Creates leases"),
    "lease keep-alive": Command("once!", lease.keep_alive, "[options] <leaseID>", "Keeps leases alive (renew)"),
    "lease list": Command("", lease.leases, "", "List all active leases"),
    "lease revoke": Command("", lease.revoke, "<leaseID>", "Revokes leases"),
    "lease timetolive": Command("keys!", lease.time_to_live, "<leaseID> [options]", "Get lease information"),
    "member add": Command("peer-urls learner!", member.add, "<memberName> [options]", "Adds a member into the cluster"),
    "member list": Command("consistency", member.listing, "", "Lists all members in the cluster"),
    "member promote": Command("", member.promote, "<memberID> [options]", "Promotes a non-voting member in the cluster"),
    "member remove": Command("", member.remove, "<memberID>", "Removes a member from the cluster"),
    "member update": Command("peer-urls", member.update, "<memberID> [options]", "Updates a member in the cluster"),
    "move-leader": Command("", member.move_leader, "<transferee-member-id>",
                           "Transfers leadership to another etcd cluster member."),
    "put": Command(keys.PUT_FLAGS, keys.put, "[options] <key> <value>", "Puts the given key into the store"),
    "snapshot save": Command("", upkeep.save, "<filename>", "Stores an etcd node backend snapshot to a given file"),
    "txn": Command("interactive:i!", txn.txn, "[options] <line>...", "Txn processes all the requests in one transaction"),
    "watch": Command(txn.WATCH_FLAGS, txn.watch, "[options] [key or prefix] [range_end]",
                     "Watches events stream on keys or prefixes"),
}  # fmt: skip
UTIL: dict[str, Command] = {
    "snapshot restore": Command(upkeep.RESTORE_FLAGS, upkeep.restore, "<filename> [options]",
                                "Restores an etcd member snapshot to an etcd directory"),
    "snapshot status": Command("", upkeep.status, "<filename>", "Gets backend snapshot status of a given file"),
}  # fmt: skip
ALIASES = {"compact": "compaction"}
FLAGS = {name: f"{command.flags} {GLOBAL}" for name, command in COMMANDS.items()} | {"version": GLOBAL, "help": ""}
UTIL_FLAGS = {name: f"{command.flags} {GLOBAL}" for name, command in UTIL.items()} | {"version": GLOBAL, "help": ""}
"""Command → its flags, for completion."""


def run(session: Session, words: list[str]) -> Asking[int]:
    """``words``: the line without ``etcdctl``."""
    return (yield from _run(session, words, "etcdctl", COMMANDS, "A simple command line client for etcd3."))


def run_util(session: Session, words: list[str]) -> Asking[int]:
    """``words``: the line without ``etcdutl``."""
    return (yield from _run(session, words, "etcdutl", UTIL, "An administrative command line tool for etcd3."))


def _run(session: Session, words: list[str], tool: str, commands: dict[str, Command], about: str) -> Asking[int]:
    flags, words = _leading(words)
    if not words or words[0] == "help":
        named = _find(words[1:], commands) if words else ""
        session.say(_page(tool, named, commands[named]) if named else _overview(tool, commands, about))
        return 0
    if words[0] == "version":
        session.say(f"{tool} version: {endpoint.VERSION}\nAPI version: 3.6")
        return 0
    name = _find(words, commands)
    if not name:
        return _family(session, words, tool, commands)
    try:
        given = read([*flags, *words[len(name.split()):]], f"{tool} {name}", f"{commands[name].flags} {GLOBAL}")
    except Failure as failure:
        text = failure.message.partition("\n")[0].replace("error:", "Error:", 1)
        raise Worded(f"{text}\nRun '{tool} {name} --help' for usage.") from None
    if given.on("help"):
        session.say(_page(tool, name, commands[name]))
        return 0
    yield from commands[name].run(session, given)
    return session.code


def _leading(words: list[str]) -> tuple[list[str], list[str]]:
    """Global flags may stand before the command (``etcdctl -w table endpoint status``)."""
    takes = {f"--{flag.name}" for flag in declared(GLOBAL, bare=True) if flag.kind != "switch"} | {"-w"}
    place = 0
    while place < len(words) and words[place].startswith("-") and words[place] not in ("-h", "--help"):
        place += 2 if words[place] in takes else 1
    if words[place:place + 1] in (["-h"], ["--help"]):
        return [], ["help"]
    return words[:place], words[place:]


def _find(words: list[str], commands: dict[str, Command]) -> str:
    """The command that a line begins with; empty for none."""
    if words and words[0] in ALIASES:
        return ALIASES[words[0]]
    return next((" ".join(words[:size]) for size in (2, 1) if " ".join(words[:size]) in commands), "")


def _family(session: Session, words: list[str], tool: str, commands: dict[str, Command]) -> int:
    """``etcdctl lease`` alone tells what there is; anything else is no command."""
    family = {name: command for name, command in commands.items() if name.split()[0] == words[0]}
    if family and len(words) == 1:
        session.say(_overview(f"{tool} {words[0]}", family, ""))
        return 0
    if family and words[0] == "snapshot" and tool == "etcdctl":
        raise Worded(f'Error: unknown command "{words[1]}" for "etcdctl snapshot"; since 3.6 it is: etcdutl {" ".join(words)}')
    wrong, owner = (words[1], f"{tool} {words[0]}") if family else (words[0], tool)
    names = sorted({name.split()[-1] for name in family} if family else {name.split()[0] for name in [*commands, *ALIASES]})
    near = [name for name in names if distance(wrong.lower(), name) <= 2 or name.startswith(wrong.lower())]
    hint = "\nDid you mean this?\n" + "".join(f"\t{name}\n" for name in near) if near else ""
    raise Worded(f'Error: unknown command "{wrong}" for "{owner}"\n{hint}Run \'{owner} --help\' for usage.')


# ---------------------------------------------------------------------- help


def _overview(tool: str, commands: dict[str, Command], about: str) -> str:
    rows = [(name, command.short) for name, command in commands.items()]
    if " " not in tool:
        rows = sorted([*rows, ("help", "Help about any command"), ("version", f"Prints the version of {tool}")])
    wide = max(len(name) for name, _ in rows) + 2
    title = f"\t{tool} - {about}\n" if about else f"\t{tool}\n"
    listed = "\n".join(f"\t{name:<{wide}}{text}" for name, text in rows)
    return f"NAME:\n{title}\nUSAGE:\n\t{tool} [flags]\n\nCOMMANDS:\n{listed}"


def _page(tool: str, name: str, command: Command) -> str:
    flags = declared(command.flags, bare=True)
    text = f"NAME:\n\t{name} - {command.short}\n\nUSAGE:\n\t{' '.join(filter(None, (tool, name, command.usage)))}"
    if flags:
        shown = [f"\t{'-' + flag.short + ', ' if flag.short else '    '}--{flag.name}" for flag in flags]
        text += "\n\nOPTIONS:\n" + "\n".join(shown)
    return text
