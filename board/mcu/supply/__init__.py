"""The program of the microcontroller (RP2040, MicroPython): see docs/mcu.md."""

VERSION = 1
"""Greater in each program that is given out."""
