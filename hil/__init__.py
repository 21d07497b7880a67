"""Rigs: networks, platforms, phones and lines to try a unit against.

Simulated ones are made of network namespaces and real peers, and are the same for tests, demo and bench. The commands
of ``tools`` are started from here only as commands, never imported.
"""
