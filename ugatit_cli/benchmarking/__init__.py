"""How fast a model runs on this machine: each way in a process of its own, as `translate` would run it."""
