"""Sync: what was made here reaches the hub once, and what the hub knows is here before the next outage (docs/sync.md).

Cores without IO (stamp, merge, wire, sending, feeding, backoff), which the hub uses too, and small shells for the
unit."""
