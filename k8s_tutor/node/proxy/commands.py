"""The commands of a machine that show what kube-proxy has written: iptables-save, ipvsadm, ipset, nft."""

from __future__ import annotations

from k8s_tutor.api.ssh import CommandDone
from k8s_tutor.node.proxy.ruleset import Ruleset

COMMANDS = ("iptables-save", "iptables", "ipvsadm", "ipset", "nft")


def run(rules: Ruleset, addresses: tuple[str, ...], argv: tuple[str, ...], stamp: str) -> CommandDone | None:
    """Runs one of them; None for other commands. ``stamp``: the date, as ``date`` prints it."""
    name, *rest = argv
    if name == "iptables-save":
        return _save(rules, rest, stamp)
    if name == "iptables":
        return _iptables(rules, rest)
    if name == "ipvsadm":
        listed = rest in (["-Ln"], ["-L", "-n"], ["-l", "-n"], ["-ln"])
        return _said(rules.ipvsadm(addresses)) if listed else CommandDone("", "ipvsadm: this machine's ipvsadm knows -Ln\n", 2)
    if name == "ipset":
        return _ipset(rules, rest)
    if name == "nft":
        return _nft(rules, rest)
    return None


def _said(lines: list[str]) -> CommandDone:
    return CommandDone("".join(line + "\n" for line in lines), "", 0)


def _save(rules: Ruleset, rest: list[str], stamp: str) -> CommandDone:
    lines = rules.iptables_save(stamp)
    if rest[:1] == ["-t"] and len(rest) > 1:
        wanted = f"*{rest[1]}"
        if wanted not in lines:
            return _said([]) if rest[1] in ("raw", "security", "filter", "nat", "mangle") else CommandDone(
                "", f"iptables-save v1.8.11 (nf_tables): table '{rest[1]}' does not exist\n", 1)  # fmt: skip
        start = lines.index(wanted) - 1
        lines = lines[start : lines.index("COMMIT", start) + 2]
    return _said(lines)


def _iptables(rules: Ruleset, rest: list[str]) -> CommandDone:
    """``iptables -t nat -S [CHAIN]``."""
    table = rest[rest.index("-t") + 1] if "-t" in rest[:-1] else "filter"
    if "-S" not in rest:
        return CommandDone("", "iptables: this machine's iptables shows rules: iptables -t nat -S [CHAIN]\n", 2)
    place = rest.index("-S") + 1
    chain = rest[place] if place < len(rest) and not rest[place].startswith("-") else ""
    found = [rule for rule in rules.iptables() if rule.table == table and chain in ("", rule.chain)]
    if chain and not found:
        return CommandDone("", "iptables v1.8.11 (nf_tables): No chain/target/match by that name.\n", 1)
    return _said([*([f"-N {chain}"] if chain.startswith("KUBE-") else []), *(rule.line() for rule in found)])


def _ipset(rules: Ruleset, rest: list[str]) -> CommandDone:
    name = rest[1] if len(rest) > 1 else ""
    if rest[:1] not in (["list"], ["-L"], ["-l"]):
        return CommandDone("", "ipset: this machine's ipset knows: ipset list [NAME]\n", 2)
    lines = rules.ipset(name)
    if name and not lines:
        return CommandDone("", "ipset v7.22: The set with the given name does not exist\n", 1)
    return _said(lines)


def _nft(rules: Ruleset, rest: list[str]) -> CommandDone:
    lines = rules.nft()
    if rest == ["list", "ruleset"]:
        return _said(lines)
    if rest == ["list", "tables"]:
        return _said(["table ip kube-proxy"] if lines else [])
    if rest[:2] == ["list", "table"] and rest[-1] == "kube-proxy":
        return _said(lines) if lines else CommandDone("", "Error: No such file or directory\nlist table ip kube-proxy\n", 1)
    if rest[:1] == ["list"] and rest[1:2] in (["chain"], ["map"], ["set"]) and len(rest) == 5:
        start = next((place for place, line in enumerate(lines) if line == f"\t{rest[1]} {rest[4]} {{"), -1)
        if start >= 0:
            return _said(["table ip kube-proxy {", *lines[start : lines.index("\t}", start) + 1], "}"])
        return CommandDone("", f"Error: No such file or directory\n{' '.join(rest)}\n", 1)
    usage = "nft: this machine's nft knows: nft list ruleset, list table ip kube-proxy, list chain|map|set ip kube-proxy NAME\n"
    return CommandDone("", usage, 1)
