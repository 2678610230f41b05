"""The little shell of a console: quotes, pipes, and the filters that people put behind kubectl.

``kubectl get pods | grep -v Running | wc -l``, ``kubectl create deploy web --image=nginx --dry-run=client -o yaml |
kubectl apply -f -``, ``kubectl get pods -o name | xargs kubectl delete``. Everything else of a shell is refused in a line.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from k8s_tutor.kubectl import line as words_of
from k8s_tutor.kubectl.errors import Failure, Worded
from k8s_tutor.kubectl.line import Words, read

COMMANDS = ("kubectl", "k", "etcdctl", "etcdutl", "ssh", "curl")


def split(line: str) -> list[list[str]]:
    """The stages of a pipeline, each as words. Raises `Worded` for shell syntax that this console does not have."""
    quote, escaped, stages = "", False, [""]
    for sign in line:
        if escaped:
            escaped = False
        elif sign == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign == "|":
            stages.append("")
            continue
        elif sign in ";<>&`":
            raise Worded(f"error: '{sign}' belongs to a shell; this console runs one command at a time")
        stages[-1] += sign
    words = [words_of.split(stage) for stage in stages]
    if len(words) > 1 and not all(words):
        raise Worded("error: syntax error near unexpected token `|'")
    return words


def takes(words: list[str]) -> list[str]:
    """The command that a later stage runs: ``xargs kubectl delete`` → ``kubectl delete``; empty for filters."""
    if words[0] == "xargs":
        return words[1:] if words[1:2] and words[1] in COMMANDS else []
    return words if words[0] in COMMANDS else []


def begun(words: list[str], files: dict[str, str]) -> tuple[str, str, int]:
    """What ``echo`` and ``cat`` put into a pipe: stdout, stderr, exit status. Files come as ``text:NAME``."""
    if words[0] == "echo":
        return " ".join(words[1:]) + "\n", "", 0
    texts = [files.get(f"text:{name}") for name in words[1:]]
    missing = [f"cat: {name}: No such file or directory\n" for name, text in zip(words[1:], texts, strict=True) if text is None]
    return "".join(text for text in texts if text is not None), "".join(missing), 1 if missing else 0


def filtered(words: list[str], text: str) -> tuple[str, str, int]:
    """What a filter makes of a text: stdout, stderr, exit status."""
    name, *rest = words
    if name not in FILTERS:
        return "", f"{name}: command not found (this console has {', '.join(sorted(FILTERS))} and xargs kubectl)\n", 127
    flags, run = FILTERS[name]
    if name in ("head", "tail") and rest and re.fullmatch(r"-\d+", rest[0]):
        rest = ["-n", rest[0][1:], *rest[1:]]
    try:
        parsed = read(rest, name, flags, bare=True)
        lines, code = run(parsed, text.splitlines())
    except (Failure, ValueError, re.error) as problem:
        said = problem.message.splitlines()[0].removeprefix("error: ") if isinstance(problem, Failure) else str(problem)
        return "", f"{name}: {said}\n", 2
    return "".join(line + "\n" for line in lines), "", code


Lines = tuple[list[str], int]


def _grep(words: Words, lines: list[str]) -> Lines:
    patterns = list(words.many("regexp")) or list(words.positional[:1])
    if not patterns:
        raise Failure("a pattern is missing")
    if words.on("fixed-strings"):
        patterns = [re.escape(one) for one in patterns]
    elif not words.on("extended-regexp"):
        patterns = [_basic(one) for one in patterns]
    text = "|".join(f"(?:{one})" for one in patterns)
    text = rf"\b(?:{text})\b" if words.on("word-regexp") else rf"^(?:{text})$" if words.on("line-regexp") else text
    pattern = re.compile(text, re.IGNORECASE if words.on("ignore-case") else 0)
    hits = [place for place, line in enumerate(lines) if bool(pattern.search(line)) != words.on("invert-match")]
    if words.given("max-count"):
        hits = hits[: words.number("max-count")]
    code = 0 if hits else 1
    if words.on("quiet"):
        return [], code
    if words.on("count"):
        return [str(len(hits))], code
    if words.on("only-matching"):
        return [found[0] for place in hits for found in pattern.finditer(lines[place]) if found[0]], code
    return _around(words, lines, hits), code


def _basic(pattern: str) -> str:
    """A basic regular expression as Python's: there ``\\|``, ``\\+``, ``\\?``, ``\\(`` are the operators."""
    return re.sub(r"\\([|+?(){}])|([|+?(){}])", lambda hit: hit[1] if hit[1] else "\\" + hit[2], pattern)


def _around(words: Words, lines: list[str], hits: list[int]) -> list[str]:
    """The hits with their context, groups apart by ``--``."""
    before = words.number("before-context", words.number("context"))
    after = words.number("after-context", words.number("context"))
    out: list[str] = []
    last = -1
    for place in range(len(lines)):
        if not any(hit - before <= place <= hit + after for hit in hits):
            continue
        if (before or after) and last >= 0 and place > last + 1:
            out.append("--")
        sign = ":" if place in hits else "-"
        out.append(f"{place + 1}{sign}{lines[place]}" if words.on("line-number") else lines[place])
        last = place
    return out


def _head(words: Words, lines: list[str]) -> Lines:
    count = words.number("lines", 10)
    return (lines[:count] if count >= 0 else lines[: len(lines) + count]), 0


def _tail(words: Words, lines: list[str]) -> Lines:
    text = words.text("lines", "10")
    if text.startswith("+"):
        return lines[int(text) - 1 :], 0
    count = abs(int(text))
    return (lines[-count:] if count else []), 0


def _wc(words: Words, lines: list[str]) -> Lines:
    counts = [len(lines), sum(len(line.split()) for line in lines), sum(len(line.encode()) + 1 for line in lines)]
    chosen = [number for name, number in zip(("lines", "words", "bytes"), counts, strict=True) if words.on(name)]
    return [str(chosen[0]) if len(chosen) == 1 else "".join(f"{number:>8}" for number in chosen or counts)], 0


def _sort(words: Words, lines: list[str]) -> Lines:
    column = int(words.text("key", "0").partition(",")[0].partition(".")[0].rstrip("nr") or 0)

    def key(line: str) -> tuple[float, str]:
        cells = line.split()
        cell = line if not column else cells[column - 1] if column <= len(cells) else ""
        number = re.match(r"\s*-?\d+(\.\d+)?", cell)
        return (float(number[0]) if number and words.on("numeric-sort") else 0.0, cell)

    ordered = sorted(lines, key=key, reverse=words.on("reverse"))
    return (list(dict.fromkeys(ordered)) if words.on("unique") else ordered), 0


def _uniq(words: Words, lines: list[str]) -> Lines:
    groups: list[tuple[str, int]] = []
    for line in lines:
        if groups and groups[-1][0] == line:
            groups[-1] = (line, groups[-1][1] + 1)
        else:
            groups.append((line, 1))
    return [f"{count:>7} {line}" if words.on("count") else line for line, count in groups], 0


def _cut(words: Words, lines: list[str]) -> Lines:
    if not words.given("fields"):
        raise Failure("you must specify a list of fields")
    sign = words.text("delimiter", "\t")
    out = []
    for line in lines:
        cells = line.split(sign)
        chosen = [cells[place] for place in _places(words.text("fields"), len(cells))]
        out.append(sign.join(chosen) if len(cells) > 1 else line)
    return out, 0


def _places(text: str, count: int) -> list[int]:
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        start, end = int(first or 1), int(last or count) if dash else int(first)
        found += range(start - 1, min(end, count))
    return [place for place in found if 0 <= place < count]


def _awk(words: Words, lines: list[str]) -> Lines:
    """Only ``{print $1, $2}``, with ``NR>1`` or ``/pattern/`` before it."""
    program = re.fullmatch(r"\s*(?:NR\s*>\s*(\d+)|/(.*)/)?\s*\{\s*print\s*(.*?)\s*\}\s*", " ".join(words.positional[:1]))
    if program is None:
        raise Failure("this console knows awk '{print $1, $2}' only, with NR>1 or /pattern/ before it")
    skip, pattern, what = int(program[1] or 0), program[2], program[3]
    out = []
    for line in lines[skip:]:
        if pattern is not None and not re.search(pattern, line):
            continue
        cells = line.split(words.text("field-separator") or None)
        fields = {"0": line, "NF": str(len(cells)), **{str(place + 1): cell for place, cell in enumerate(cells)}}
        groups = [re.findall(r'"[^"]*"|\$\w+|NF', group) for group in (what or "$0").split(",")]
        parts = ["".join(_awk_part(one, fields) for one in group) for group in groups]
        out.append(" ".join(parts))
    return out, 0


def _awk_part(text: str, fields: dict[str, str]) -> str:
    if text.startswith('"'):
        return text[1:-1].replace("\\t", "\t").replace("\\n", "\n")
    if text.startswith("$"):
        name = text[1:]
        return fields.get(fields["NF"] if name == "NF" else name, "")
    return fields.get(text, "")


def _cat(words: Words, lines: list[str]) -> Lines:
    return lines, 0


def _tr(words: Words, lines: list[str]) -> Lines:
    if len(words.positional) < (1 if words.on("delete") else 2):
        raise Failure("missing operand")
    names = {"\\n": "\n", "\\t": "\t"}
    first = names.get(words.positional[0], words.positional[0])
    text = "".join(line + "\n" for line in lines)
    if words.on("delete"):
        text = "".join(sign for sign in text if sign not in first)
    else:
        second = names.get(words.positional[1], words.positional[1])
        table = {ord(sign): second[min(place, len(second) - 1)] for place, sign in enumerate(first)}
        text = text.translate(table)
    return text.splitlines(), 0


GREP = (
    "ignore-case:i! invert-match:v! extended-regexp:E! fixed-strings:F! count:c! line-number:n! quiet:q! only-matching:o! "
    "word-regexp:w! line-regexp:x! regexp:e@ max-count:m# after-context:A# before-context:B# context:C# color? perl-regexp:P!"
)
FILTERS: dict[str, tuple[str, Callable[[Words, list[str]], Lines]]] = {
    "awk": ("field-separator:F", _awk),
    "cat": ("", _cat),
    "cut": ("delimiter:d fields:f", _cut),
    "egrep": (GREP, lambda words, lines: _grep(_with(words, "extended-regexp"), lines)),
    "grep": (GREP, _grep),
    "head": ("lines:n#", _head),
    "less": ("", _cat),
    "more": ("", _cat),
    "sort": ("numeric-sort:n! reverse:r! unique:u! key:k", _sort),
    "tail": ("lines:n", _tail),
    "tr": ("delete:d!", _tr),
    "uniq": ("count:c!", _uniq),
    "wc": ("lines:l! words:w! bytes:c!", _wc),
}
"""The filters, with their flags."""


def _with(words: Words, name: str) -> Words:
    return Words(words.command, words.positional, words.rest, {**words.values, name: ("true",)})
