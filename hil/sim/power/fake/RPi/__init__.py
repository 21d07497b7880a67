"""In the place of the library of a Raspberry Pi, on a path that only tests have."""
