"""Tools that fill disks and look at them: dd, fallocate, truncate, df, du. Large files are not kept byte by byte: a file of
zeros knows its size."""

from __future__ import annotations

from k8s_tutor.node.shell.files import ZEROS, size
from k8s_tutor.node.shell.machine import Burst, Done
from k8s_tutor.node.shell.tools import options

UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def amount(text: str) -> int | None:
    """``100M`` → bytes, or None."""
    word = text.upper().removesuffix("B").removesuffix("I")
    unit = UNITS.get(word[-1:], 1)
    number = word[:-1] if unit > 1 else word
    return int(number) * unit if number.isdigit() else None


def _write(run: Burst, name: str, path: str, length: int) -> Done:
    try:
        run.box.files.check(run.path(path))
    except OSError as error:
        return Done("", f"{name}: {str(error).removeprefix('can' + chr(39) + 't create ')}\n", 1)
    try:
        run.box.files.write(run.path(path), f"{ZEROS}{length}" if length else "")
    except OSError as error:
        return Done("", f"{name}: error writing '{path}': {error}\n", 1)
    return Done()


def dd(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    """``dd if=/dev/zero of=FILE bs=1M count=100``."""
    words = dict(word.split("=", 1) for word in argv[1:] if "=" in word)
    block, count = amount(words.get("bs", "512")), amount(words.get("count", ""))
    if block is None or (count is None and words.get("if", "").startswith("/dev/")):
        return Done("", "dd: give a number of blocks: bs=1M count=100\n", 1)
    source = words.get("if", "")
    content = run.box.files.read(run.path(source)) if source and not source.startswith("/dev/") else text
    if content is None:
        return Done("", f"dd: can't open '{source}': No such file or directory\n", 1)
    length = block * count if count is not None else len(content.encode())
    target = words.get("of", "")
    done = _write(run, "dd", target, length) if target and target != "/dev/null" else Done()
    full, rest = divmod(length, block)
    shown = f"{full}+{int(bool(rest))} records in\n{full}+{int(bool(rest))} records out\n"
    return Done(done.out, done.err or shown, done.code)


def fallocate(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    """``fallocate -l 100M FILE``, ``truncate -s 100M FILE``."""
    flag, words = ("-s" if argv[0].endswith("truncate") else "-l"), argv[1:]
    length = amount(words[words.index(flag) + 1]) if flag in words[:-1] else None
    if length is None or words[-1].startswith("-"):
        return Done("", f"{argv[0]}: usage: {argv[0]} {flag} SIZE FILE\n", 1)
    return _write(run, argv[0], words[-1], length)


def du(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    """``du -s DIR``: KiB in it (``-h``: in larger units)."""
    letters, _, rest = options(argv)
    out = errors = ""
    for path in rest or ["."]:
        full = run.path(path)
        if not run.box.files.exists(full):
            errors += f"du: {path}: No such file or directory\n"
        else:
            out += f"{_shown(_below(run, full), 'h' in letters)}\t{path}\n"
    return Done(out, errors, 1 if errors else 0)


def _below(run: Burst, path: str) -> int:
    files = run.box.files
    if not files.is_dir(path):
        return size(files.raw(path) or "")
    return sum(_below(run, f"{path.rstrip('/')}/{name}") for name in files.listing(path))


def _shown(length: int, human: bool) -> str:
    if not human:
        return str(-(-length // 1024))
    unit = max((unit for unit in UNITS if length >= UNITS[unit]), key=lambda unit: UNITS[unit], default="K")
    return f"{length * 10 // UNITS[unit] / 10:.1f}{unit}"


def df(run: Burst, argv: list[str], text: str, piped: bool) -> Done:
    """``df -h [PATH]``: the file systems that the container sees, or the one on which a path is."""
    letters, _, rest = options(argv)
    human = "h" in letters
    rows = run.box.files.file_systems()
    if rest:
        rows = [max((row for row in rows if _is_below(run.path(path), row[0])), key=lambda row: len(row[0])) for path in rest]
    heads = ("Filesystem", "Size" if human else "1K-blocks", "Used", "Available", "Use%", "Mounted on")
    shown: list[tuple[str, ...]] = [heads]
    for where, device, *numbers in rows:
        share = -(-numbers[1] * 100 // (numbers[1] + numbers[2])) if numbers[1] + numbers[2] else 100
        cells = [_blocks(one) if human else str(one // 1024) for one in numbers]
        shown.append((device, *cells, f"{share}%", where))
    widths = [max(len(row[place]) for row in shown) for place in range(6)]
    lines = []
    for row in shown:
        cells = [f"{cell:{'<' if place in (0, 5) else '>'}{widths[place]}}" for place, cell in enumerate(row)]
        lines.append(" ".join(cells).rstrip() + "\n")
    return Done("".join(lines))


def _is_below(path: str, where: str) -> bool:
    return where == "/" or path == where or path.startswith(where + "/")


def _blocks(length: int) -> str:
    """As df rounds: up."""
    unit = max((unit for unit in UNITS if length >= UNITS[unit]), key=lambda unit: UNITS[unit], default="K")
    tenths = -(-length * 10 // UNITS[unit])
    return f"{tenths // 10}.{tenths % 10}{unit}" if length else "0"


TOOLS = {"dd": dd, "fallocate": fallocate, "truncate": fallocate, "du": du, "df": df}
