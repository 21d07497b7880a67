"""Power: who is believed, how long it lasts, what is shed, how the unit halts and comes back. `keeper.py` is the shell;
all else decides and does nothing."""
