"""kube-proxy: from Services and EndpointSlices to what a kernel does with their packets, in three modes.

`services` reads the objects, `topology` says which endpoints a node uses, `iptables`, `ipvs` and `nftables` make a `Piece` of
each Service and follow a packet through it, `ruleset` is all pieces in one kernel, `kube_proxy` is the process that writes.
"""
