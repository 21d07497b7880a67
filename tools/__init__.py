"""The commands that people use: everything behind ``rvx``.

``tools.commands`` declares them with their arguments, ``tools.cli`` loads the module of the one that was given; results
go to standard output, progress and hints to standard error.
"""
