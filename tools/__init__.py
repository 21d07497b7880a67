"""The commands that people use: everything behind ``rvx``.

``tools.cli`` holds every argument and loads the module of a command only when that command is given; results go to
standard output, progress and hints to standard error.
"""
