"""What runs on a worker machine: kubelet, container runtime with its shims, CNI plugin, kube-proxy; and the image registry.

Each is a process of its own and talks to the next by messages. `machine.worker` lists the processes of one machine.
"""
