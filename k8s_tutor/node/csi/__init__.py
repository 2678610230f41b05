"""A storage driver on LVM: TopoLVM with the sidecars of kubernetes-csi, each a process of its own."""
