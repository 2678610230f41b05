"""What happens inside a container: a small POSIX shell and the tools that people type in it.

`syntax` turns a script into a flat list of instructions; `machine` runs them, a burst at a time, and stops where a process
would wait (for time, for the network, for input). A process that waits is plain data: the script, a place in it, variables.
"""
