"""What makes a machine a unit.

Configuration, store, modes, status and the wiring of the processes. ``firmware.app`` is the only place where parts of
``callcontrol`` and ``drivers`` are put together.
"""

__version__ = "0.1.0"
