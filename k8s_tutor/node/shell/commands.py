"""All commands by their names."""

from __future__ import annotations

from k8s_tutor.node.shell import builtins, disk, network, tools

BUILTIN = builtins.BUILTIN
TOOLS = {**tools.TOOLS, **network.TOOLS, **disk.TOOLS}
RESUME = network.RESUME
