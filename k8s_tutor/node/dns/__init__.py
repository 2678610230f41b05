"""DNS: what a name server is asked and answers (`message`), what a cluster's names are (`zone`), the program that answers them
(`coredns`), the server of the world outside (`upstream`), and how a container's libc asks (`resolver`)."""
