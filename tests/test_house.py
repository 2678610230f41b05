"""The house stands: floors import downwards only, and the engine knows no clock, no thread and no screen."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "k8s_tutor"
MAY_IMPORT = {
    "sim": set(),
    "raft": set(),
    "etcd": {"sim", "raft"},
    "api": {"etcd", "sim"},
    "scheduler": {"api", "sim"},
    "controllers": {"api", "sim"},
    "node": {"api", "sim"},
    "net": {"api", "sim", "node"},
    "kubectl": {"api", "etcd", "sim"},
    "cluster": {"sim", "raft", "etcd", "api", "scheduler", "controllers", "node", "net", "kubectl"},
}
"""Floors 0 to 5. etcdctl speaks etcd's own messages, so kubectl may name them."""
ENGINE = set(MAY_IMPORT)
ABOVE = {"lessons": ENGINE, "ui": {*ENGINE, "lessons", "serve"}, "serve": {*ENGINE, "lessons", "ui"}}
FORBIDDEN = {"textual", "rich", "yaml", "asyncio", "threading", "time", "random"}
COMMON = {"paths", "__version__"}


def imports(path: Path) -> Iterator[str]:
    """Full names of the modules that a file imports, relative ones resolved."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module) if part)
            yield module
            if module == "k8s_tutor":
                yield from (f"k8s_tutor.{alias.name}" for alias in node.names)


def files(package: str) -> list[Path]:
    return sorted((PACKAGE / package).rglob("*.py"))


@pytest.mark.parametrize("package", sorted({**MAY_IMPORT, **ABOVE}))
def test_a_floor_imports_only_what_lies_below(package: str) -> None:
    allowed = {**MAY_IMPORT, **ABOVE}[package] | {package} | COMMON
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in files(package)
        for name in imports(path)
        if name.startswith("k8s_tutor.") and name.split(".")[1] not in allowed
    ]
    assert wrong == []


@pytest.mark.parametrize("package", sorted(MAY_IMPORT))
def test_the_engine_names_no_clock_no_thread_and_no_screen(package: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in files(package)
        for name in imports(path)
        if name.split(".")[0] in FORBIDDEN or (name.split(".")[0] == "pydantic" and path.name != "spec.py")
    ]
    assert wrong == []
    assert [str(path) for path in files(package) if "os.environ" in path.read_text(encoding="utf-8")] == []


def test_cel_is_named_in_one_module_only() -> None:
    named = [path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if "cel" in set(imports(path))]
    assert named == ["api/cel.py"]


def test_a_whole_run_needs_no_screen() -> None:
    code = """
import sys
for name in ("textual", "rich"):
    sys.modules[name] = None
from k8s_tutor.cluster import Cluster, ClusterSpec, inputs
one = Cluster(ClusterSpec(managers=1, workers=1))
one.give(inputs.Kubectl("create deployment web --image=nginx"))
assert one.settle()
assert [p.ready for p in one.view().workload.pods] == [True]
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr


def test_files_stay_readable() -> None:
    long = {path.relative_to(PACKAGE).as_posix(): count for path in PACKAGE.rglob("*.py")
            if (count := path.read_text(encoding="utf-8").count("\n")) > 700}  # fmt: skip
    assert long == {}
