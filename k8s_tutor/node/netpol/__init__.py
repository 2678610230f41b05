"""NetworkPolicy: `guards` is what a kernel enforces, `compiled` makes it of objects, `agent` watches them for one node."""

from k8s_tutor.node.netpol.compiled import guards, verdict
from k8s_tutor.node.netpol.guards import Allow, Block, Guard, Guards, Ports, Ruling, Side, judge

__all__ = ["Allow", "Block", "Guard", "Guards", "Ports", "Ruling", "Side", "guards", "judge", "verdict"]
