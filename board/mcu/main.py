"""The loader: starts the program of the slot that is to be tried or was proved, and starts anew when it ends.

With slots.py and files.py it lies at the root of the flash; the programs lie in /a and /b. Nothing here is replaced
over the wire."""

import sys
import time

import machine
from files import Files
from slots import Slots

PAUSE_MS = 1000  # a program that fails at once does not spin
REPORT_MAX = 2000  # characters of why it failed


def run(folder=""):
    """Never returns but by a reset."""
    files = Files(folder)
    slots = Slots(files)
    active, came_back = slots.choose()
    sys.path.insert(0, folder + "/" + "ab"[active])
    try:
        from supply.hal import Hal
        from supply.program import Program

        program = Program(Hal(), files, slots, came_back)
        while True:
            program.step()
            time.sleep_ms(2)
    except Exception as error:
        report(files, error)
    time.sleep_ms(PAUSE_MS)
    machine.reset()


def report(files, error):
    """For who looks: why the last program ended."""
    import io

    text = io.StringIO()
    sys.print_exception(error, text)
    try:
        files.clear("failed.txt")
        files.write("failed.txt", 0, text.getvalue()[:REPORT_MAX].encode())
    except OSError:
        pass


if __name__ == "__main__":
    run()
