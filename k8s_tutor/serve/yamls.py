"""YAML bodies as JSON, as sigs.k8s.io/yaml converts them: dates and ``1:30`` stay texts.

Aliases are refused, all of them: some lines of them describe more data than any machine holds.
"""

from __future__ import annotations

import json
from typing import Any

import yaml

_TIMESTAMP, _INT, _FLOAT = "tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"


class _Loader(yaml.CSafeLoader):
    """Knows no dates, and no numbers to the base of 60."""

    def construct_yaml_int(self, node: Any) -> Any:
        return node.value if ":" in node.value else super().construct_yaml_int(node)

    def construct_yaml_float(self, node: Any) -> Any:
        return node.value if ":" in node.value else super().construct_yaml_float(node)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag != _TIMESTAMP]
    for first, known in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_constructor(_INT, _Loader.construct_yaml_int)
_Loader.add_constructor(_FLOAT, _Loader.construct_yaml_float)


def to_json(body: bytes) -> bytes:
    """The first document of a body as JSON. Raises ValueError for what cannot be one."""
    text = body.decode()
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=_Loader)):
            raise ValueError("yaml: document contains excessive aliasing")
        tree = next((found for found in yaml.load_all(text, Loader=_Loader) if found is not None), None)
        return json.dumps(tree, allow_nan=False).encode()
    except yaml.MarkedYAMLError as error:
        raise ValueError(_in_words(error)) from None
    except (yaml.YAMLError, TypeError, RecursionError, OverflowError) as error:
        raise ValueError("yaml: " + " ".join(str(error).split())) from None


def _in_words(error: yaml.MarkedYAMLError) -> str:
    """The words of go-yaml (decode.go, fail): of all errors only a scanner's count lines from 1."""
    marks = (error.context_mark, error.problem_mark)
    line = next((mark.line for mark in marks if mark is not None and mark.line), 0)
    line += 1 if line and isinstance(error, yaml.scanner.ScannerError) else 0
    return f"yaml: line {line}: {error.problem}" if line else f"yaml: {error.problem}"
