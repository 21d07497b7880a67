"""``python -m hil.storework``."""

import sys

from hil.storework import main

if __name__ == "__main__":
    sys.exit(main())
