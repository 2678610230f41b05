"""The network between the machines: the load balancer before the API servers, and the walk of a packet through the rules
that the nodes hold.
"""
