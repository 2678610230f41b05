"""etcd: a revisioned key-value store and the member that puts it on Raft."""
