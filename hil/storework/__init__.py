"""A day's writes of the store, for a power cut to fall into (hil/powercut.py): what is promised, and what a disk that a
cut left must have of it. Each group of tables is a file of its own, a `Part`; `day.PARTS` names them.

``python -m hil.storework FOLDER [--unsafe nosync|apart|early]``: with a fault planted, which the replay must find.
"""

from hil.storework.day import PEOPLE, ROUNDS, main
from hil.storework.judging import check

__all__ = ["PEOPLE", "ROUNDS", "check", "main"]
