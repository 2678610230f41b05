"""Tools that answer at once: files, texts, processes, the system."""

from __future__ import annotations

import re
from collections.abc import Callable

from k8s_tutor.api import times
from k8s_tutor.node.shell.files import size
from k8s_tutor.node.shell.machine import Burst, Done, Wait, normal
from k8s_tutor.sim import SECOND

KERNEL = "6.12.48"


def options(argv: list[str], takes: str = "") -> tuple[str, dict[str, str], list[str]]:
    """(single letters that are given, letters of ``takes`` → value, the rest)."""
    letters = ""
    values: dict[str, str] = {}
    rest: list[str] = []
    words = iter(argv[1:])
    for word in words:
        if word == "--":
            return letters, values, [*rest, *words]
        if not word.startswith("-") or word == "-" or word.startswith("--"):
            rest.append(word)
            continue
        for place, letter in enumerate(word[1:], 2):
            if letter in takes:
                values[letter] = word[place:] or next(words, "")
                break
            letters += letter
    return letters, values, rest


def _inputs(run: Burst, name: str, paths: list[str], text: str) -> tuple[list[tuple[str, str]], str]:
    """(file, text) of each file that is named, or of the input; and errors."""
    if not paths:
        return [("-", text)], ""
    found, errors = [], ""
    for path in paths:
        content = text if path == "-" else run.box.files.read(run.path(path))
        if content is not None:
            found.append((path, content))
        elif run.box.files.is_dir(run.path(path)):
            errors += f"{name}: {path}: Is a directory\n" if name != "cat" else "cat: read error: Is a directory\n"
        else:
            errors += f"{name}: can't open '{path}': No such file or directory\n"
    return found, errors


def _open_input(run: Burst, paths: list[str], piped: bool) -> bool:
    """Whether a tool would read what is being typed."""
    return not piped and not [path for path in paths if path != "-"] and run.proc.stdin


def cat(run: Burst, argv: list[str], text: str, piped: bool) -> Done | Wait:
    _, _, paths = options(argv)
    if _open_input(run, paths, piped):
        return Wait("input", tuple(argv))
    found, errors = _inputs(run, "cat", paths, text)
    return Done("".join(content for _, content in found), errors, 1 if errors else 0)


def cat_on(run: Burst, wait: Wait, answer: object) -> Done | Wait:
    """A line was typed, or None at the end."""
    return Done() if answer is None else Wait("input", wait.argv, out=f"{answer}\n")


def echo(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    words, end, escapes = argv[1:], "\n", False
    while words and re.fullmatch(r"-[neE]+", words[0]):
        end = "" if "n" in words[0] else end
        escapes = escapes or "e" in words[0]
        words = words[1:]
    line = " ".join(words)
    return Done((_escaped(line) if escapes else line) + end)


def _escaped(text: str) -> str:
    named = {"n": "\n", "t": "\t", "\\": "\\", "r": "\r", "e": "\x1b", "0": "\0", "a": "\a"}
    return re.sub(r"\\(.)", lambda hit: named.get(hit[1], hit[0]), text)


def printf(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    if len(argv) < 2:
        return Done("", "printf: usage: printf FORMAT [ARG]...\n", 1)
    form, values, out = _escaped(argv[1]), argv[2:], ""
    while True:
        before = len(values)

        def put(hit: re.Match[str]) -> str:
            if hit[2] == "%":
                return "%"
            value = values.pop(0) if values else ""
            if hit[2] in "di":
                value = value if value.lstrip("-").isdigit() else "0"
            width = int(hit[1].lstrip("-0") or 0) if hit[1] else 0
            pad = "0" if hit[1].startswith("0") else " "
            return value.ljust(width) if hit[1].startswith("-") else value.rjust(width, pad)

        out += re.sub(r"%(-?\d*)([sdi%])", put, form)
        if not values or len(values) == before:
            return Done(out)


def env(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    variables = run.environment()
    names = argv[1:] if argv[0].endswith("printenv") else []
    if names:
        found = [variables[name] for name in names if name in variables]
        return Done("".join(value + "\n" for value in found), "", 0 if len(found) == len(names) else 1)
    return Done("".join(f"{name}={value}\n" for name, value in variables.items()))


def ps(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    rows = [*run.box.running()]
    if argv[1:2] and "e" in argv[1] + "".join(argv[1:]) and "f" in "".join(argv[1:]):
        head = "UID          PID    PPID  C STIME TTY          TIME CMD\n"
        return Done(head + "".join(f"{row.user:<8} {row.pid:>7}       0  0 00:00 ?    00:00:00 {row.argv}\n" for row in rows))
    return Done("PID   USER     TIME  COMMAND\n" + "".join(f"{row.pid:>5} {row.user:<8}  0:00 {row.argv}\n" for row in rows))


def grep(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    letters, values, rest = options(argv, "emABC")
    pattern = values.get("e", "") or (rest.pop(0) if rest else "")
    if not pattern:
        return Done("", "Usage: grep [-HhnlLoqvsrRiwFE] [-m N] PATTERN [FILE]...\n", 2)
    if "F" in letters:
        pattern = re.escape(pattern)
    elif "E" not in letters and not argv[0].endswith("egrep"):
        pattern = re.sub(r"\\([|+?(){}])|([|+?(){}])", lambda hit: hit[1] or "\\" + hit[2], pattern)
    try:
        wanted = re.compile(rf"\b(?:{pattern})\b" if "w" in letters else pattern, re.IGNORECASE if "i" in letters else 0)
    except re.error:
        return Done("", "grep: bad regex\n", 2)
    found, errors = _inputs(run, "grep", rest, text)
    out: list[str] = []
    for path, content in found:
        for number, line in enumerate(content.splitlines(), 1):
            hit = wanted.search(line)
            if bool(hit) == ("v" in letters):
                continue
            name = f"{path}:" if len(found) > 1 and "h" not in letters else ""
            place = f"{number}:" if "n" in letters else ""
            out.append(f"{name}{place}{hit[0] if hit and 'o' in letters else line}\n")
    if "c" in letters:
        return Done(f"{len(out)}\n", errors, 0 if out else 1)
    return Done("" if "q" in letters else "".join(out), errors, 2 if errors else 0 if out else 1)


def ls(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    letters, _, rest = options(argv)
    files, out, errors = run.box.files, "", ""
    for path in rest or ["."]:
        full = run.path(path)
        if not files.exists(full):
            errors += f"ls: {path}: No such file or directory\n"
            continue
        folder = files.is_dir(full) and "d" not in letters
        names = files.listing(full) if folder else [path]
        names = [name for name in names if "a" in letters or not name.startswith(".")]
        if len(rest) > 1 and folder:
            out += f"{path}:\n"
        if "l" in letters:
            stamp = times.rfc3339(run.box.now, run.box.epoch)
            month = MONTHS[int(stamp[5:7]) - 1]
            date = f"{month} {int(stamp[8:10]):>2} {stamp[11:16]}"
            for name in names:
                where = normal(f"{full}/{name}") if folder else full
                length = size(files.raw(where) or "")
                kind = "drwxr-xr-x" if files.is_dir(where) else "-rw-r--r--"
                out += f"{kind}    1 root     root     {length:>9} {date} {name}\n"
        else:
            out += "".join(f"{name}\n" for name in names)
    return Done(out, errors, 1 if errors else 0)


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DAYS = ("Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed")


def date(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    form = next((word[1:] for word in argv[1:] if word.startswith("+")), "%a %b %e %H:%M:%S UTC %Y")
    unix = run.box.epoch + run.box.now // SECOND
    stamp = times.rfc3339(run.box.now, run.box.epoch)
    fields = {
        "Y": stamp[:4], "m": stamp[5:7], "d": stamp[8:10], "H": stamp[11:13], "M": stamp[14:16], "S": stamp[17:19],
        "s": str(unix), "N": f"{run.box.now % SECOND * 1000:09d}", "a": DAYS[unix // 86400 % 7],
        "b": MONTHS[int(stamp[5:7]) - 1], "e": f"{int(stamp[8:10]):>2}", "F": stamp[:10], "T": stamp[11:19], "Z": "UTC",
        "z": "+0000", "%": "%", "n": "\n", "t": "\t", "D": f"{stamp[5:7]}/{stamp[8:10]}/{stamp[2:4]}", "y": stamp[2:4],
    }  # fmt: skip
    return Done(re.sub(r"%(.)", lambda hit: fields.get(hit[1], hit[0]), form) + "\n")


def touch(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    return _each(run, argv, "touch", lambda path: run.box.files.write(path, "", append=True), check=True)


def mkdir(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    letters, _, rest = options(argv)
    errors = ""
    for path in rest:
        full = run.path(path)
        if run.box.files.exists(full):
            errors += "" if "p" in letters else f"mkdir: can't create directory '{path}': File exists\n"
        elif "p" not in letters and not run.box.files.is_dir(full.rpartition("/")[0] or "/"):
            errors += f"mkdir: can't create directory '{path}': No such file or directory\n"
        else:
            parts = full.split("/")
            for end in range(2, len(parts) + 1):
                if not run.box.files.is_dir("/".join(parts[:end])):
                    run.box.files.make("/".join(parts[:end]))
    return Done("", errors, 1 if errors else 0)


def _each(run: Burst, argv: list[str], name: str, do: Callable[[str], None], check: bool = False) -> Done:
    _, _, rest = options(argv)
    errors = ""
    for path in rest:
        full = run.path(path)
        try:
            if check and not run.box.files.is_dir(full):
                run.box.files.check(full)
            if not run.box.files.is_dir(full):
                do(full)
        except OSError as error:
            errors += f"{name}: {path}: {str(error).rpartition(': ')[2].replace('nonexistent', 'No such file or')}\n"
    return Done("", errors, 1 if errors else 0)


def rm(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    letters, _, rest = options(argv)
    errors, files = "", run.box.files
    for path in rest:
        full = run.path(path)
        if files.is_dir(full) and not set("rR") & set(letters):
            errors += f"rm: '{path}' is a directory\n"
        elif files.exists(full):
            files.remove(full)
        elif "f" not in letters:
            errors += f"rm: can't remove '{path}': No such file or directory\n"
    return Done("", errors, 1 if errors else 0)


def cp(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    _, _, rest = options(argv)
    name, files = argv[0].rsplit("/", 1)[-1], run.box.files
    if len(rest) < 2:
        return Done("", f"{name}: missing operand\n", 1)
    target, errors = run.path(rest[-1]), ""
    for path in rest[:-1]:
        content = files.read(run.path(path))
        if content is None:
            errors += f"{name}: can't stat '{path}': No such file or directory\n"
            continue
        files.write(f"{target}/{path.rsplit('/', 1)[-1]}" if files.is_dir(target) else target, content)
        if name == "mv":
            files.remove(run.path(path))
    return Done("", errors, 1 if errors else 0)


def hostname(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    letters = options(argv)[0].lower()
    return Done((run.box.ip + (" " if "I" in "".join(argv[1:]) else "") if "i" in letters else run.box.hostname) + "\n")


def whoami(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    return Done("root\n")


def identity(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    letters, _, _ = options(argv)
    if letters:
        return Done("root\n" if "n" in letters else "0\n")
    return Done("uid=0(root) gid=0(root) groups=0(root)\n")


def uname(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    letters, _, _ = options(argv)
    parts = [("s", "Linux"), ("n", run.box.hostname), ("r", KERNEL), ("m", "x86_64")]
    if "a" in letters:
        return Done(f"Linux {run.box.hostname} {KERNEL} #1 SMP PREEMPT_DYNAMIC x86_64 GNU/Linux\n")
    return Done(" ".join(value for letter, value in parts if letter in (letters or "s")) + "\n")


def head(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    argv = [f"-n{word[1:]}" if re.fullmatch(r"-\d+", word) else word for word in argv]
    _, values, rest = options(argv, "nc")
    found, errors = _inputs(run, "head", rest, text)
    count = int(values["n"]) if values.get("n", "").lstrip("-").isdigit() else 10
    return Done("".join(line for _, content in found for line in content.splitlines(True)[:count]), errors, bool(errors) + 0)


def tail(run: Burst, argv: list[str], text: str, piped: bool) -> Done | Wait:
    argv = [f"-n{word[1:]}" if re.fullmatch(r"-\d+", word) else word for word in argv]
    letters, values, rest = options(argv, "nc")
    found, errors = _inputs(run, "tail", rest, text)
    given = values.get("n", "10")
    if given.startswith("+"):
        lines = [line for _, content in found for line in content.splitlines(True)[int(given[1:] or 1) - 1 :]]
    else:
        count = int(given.lstrip("-")) if given.lstrip("-").isdigit() else 10
        lines = [line for _, content in found for line in (content.splitlines(True)[-count:] if count else [])]
    if set("fF") & set(letters) and rest and not errors:
        return Wait("forever", tuple(argv), out="".join(lines))
    return Done("".join(lines), errors, 1 if errors else 0)


def wc(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    letters, _, rest = options(argv)
    found, errors = _inputs(run, "wc", rest, text)
    out = ""
    for path, content in found:
        counts = {"l": content.count("\n"), "w": len(content.split()), "c": len(content.encode())}
        chosen = [str(counts[one]) for one in "lwc" if not letters or one in letters]
        name = "" if path == "-" else f" {path}"
        out += (chosen[0] if len(chosen) == 1 else " ".join(f"{one:>8}" for one in chosen)) + f"{name}\n"
    return Done(out, errors, 1 if errors else 0)


def sort(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    letters, _, rest = options(argv, "kt")
    found, errors = _inputs(run, "sort", rest, text)
    lines = [line for _, content in found for line in content.splitlines()]

    def key(line: str) -> tuple[int, str]:
        number = re.match(r"\s*-?\d+", line)
        return (int(number[0]) if number and "n" in letters else 0, line)

    lines.sort(key=key, reverse="r" in letters)
    lines = list(dict.fromkeys(lines)) if "u" in letters else lines
    return Done("".join(line + "\n" for line in lines), errors, 1 if errors else 0)


def uniq(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    letters, _, rest = options(argv)
    found, errors = _inputs(run, "uniq", rest, text)
    groups: list[tuple[str, int]] = []
    for line in (line for _, content in found for line in content.splitlines()):
        if groups and groups[-1][0] == line:
            groups[-1] = (line, groups[-1][1] + 1)
        else:
            groups.append((line, 1))
    return Done("".join(f"{count:>7} {line}\n" if "c" in letters else f"{line}\n" for line, count in groups), errors)


def cut(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    _, values, rest = options(argv, "dfc")
    found, errors = _inputs(run, "cut", rest, text)
    wanted = [int(one) for one in values.get("f", "1").split(",") if one.isdigit()]
    sign, out = values.get("d", "\t"), ""
    for line in (line for _, content in found for line in content.splitlines()):
        cells = line.split(sign)
        out += (sign.join(cells[one - 1] for one in wanted if one <= len(cells)) if len(cells) > 1 else line) + "\n"
    return Done(out, errors)


def tr(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    letters, _, rest = options(argv)
    sets = [_escaped(one).replace("a-z", LOWER).replace("A-Z", LOWER.upper()).replace("0-9", "0123456789") for one in rest]
    if "d" in letters and sets:
        return Done("".join(sign for sign in text if sign not in sets[0]))
    if len(sets) < 2:
        return Done("", "tr: missing operand\n", 1)
    table = {ord(sign): sets[1][min(place, len(sets[1]) - 1)] for place, sign in enumerate(sets[0])}
    return Done(text.translate(table))


LOWER = "abcdefghijklmnopqrstuvwxyz"


def sed(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    _, values, rest = options(argv, "e")
    script = values.get("e", "") or (rest.pop(0) if rest else "")
    parts = re.fullmatch(r"s(.)(.*?)\1(.*?)\1(g?)", script)
    if parts is None:
        return Done("", "sed: this container's sed knows s/PATTERN/TEXT/ and s/PATTERN/TEXT/g only\n", 1)
    found, errors = _inputs(run, "sed", rest, text)
    lines = [line for _, content in found for line in content.splitlines()]
    put = re.sub(r"\\(\d)", r"\\\1", parts[3])
    try:
        out = "".join(re.sub(parts[2], put, line, count=0 if parts[4] else 1) + "\n" for line in lines)
    except re.error:
        return Done("", "sed: bad regex\n", 1)
    return Done(out, errors)


def seq(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    numbers = [int(word) for word in argv[1:] if word.lstrip("-").isdigit()][:3]
    if not numbers:
        return Done("", "seq: missing operand\n", 1)
    first, step, last = (1, 1, numbers[0]) if len(numbers) == 1 else (numbers[0], 1, numbers[1])
    if len(numbers) == 3:
        first, step, last = numbers[0], numbers[1] or 1, numbers[2]
    return Done("".join(f"{number}\n" for number in range(first, last + (1 if step > 0 else -1), step)[:10_000]))


def tee(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    letters, _, rest = options(argv)
    for path in rest:
        run.box.files.write(run.path(path), text, append="a" in letters)
    return Done(text)


def pwd(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    return Done(run.proc.cwd + "\n")


def which(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    found = [name for name in argv[1:] if run.box.has(name)]
    return Done("".join(f"/bin/{name}\n" for name in found), "", 0 if len(found) == len(argv) - 1 else 1)


def uptime(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    stamp, minutes = times.rfc3339(run.box.now, run.box.epoch), run.box.now // SECOND // 60
    return Done(f" {stamp[11:19]} up {minutes} min,  0 users,  load average: 0.00, 0.00, 0.00\n")


def shell(run: Burst, argv: list[str], text: str, piped: bool) -> Done | Wait:
    """``sh -c SCRIPT`` inside a script: in a burst of its own, so it may not wait."""
    if len(argv) > 2 and argv[1] in ("-c", "-ec", "-lc", "-xc"):
        before = len(run.written)
        out = run.substituted(argv[2])
        errors = "".join(line for _, line in run.written[before:])
        del run.written[before:]
        return Done(out + "\n" if out else "", errors, run.proc.status)
    script = run.box.files.read(run.path(argv[1])) if len(argv) > 1 else text
    if script is None:
        return Done("", f"{argv[0]}: can't open '{argv[1]}': No such file or directory\n", 2)
    out = run.substituted(script)
    return Done(out + "\n" if out else "", "", run.proc.status)


TOOLS = {
    "cat": cat, "echo": echo, "printf": printf, "env": env, "printenv": env, "ps": ps, "grep": grep, "egrep": grep, "ls": ls,
    "date": date, "touch": touch, "mkdir": mkdir, "rm": rm, "rmdir": rm, "cp": cp, "mv": cp, "hostname": hostname,
    "whoami": whoami, "id": identity, "uname": uname, "head": head, "tail": tail, "wc": wc, "sort": sort, "uniq": uniq,
    "cut": cut, "tr": tr, "sed": sed, "seq": seq, "tee": tee, "pwd": pwd, "which": which, "uptime": uptime,
    "sh": shell, "bash": shell, "ash": shell, "dash": shell,
}  # fmt: skip
