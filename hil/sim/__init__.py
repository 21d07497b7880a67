"""Simulators: programs that speak the wire of a thing and model what it does beyond it."""
