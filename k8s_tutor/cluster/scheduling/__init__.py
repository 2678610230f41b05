"""How a cluster's schedulers are set up."""
