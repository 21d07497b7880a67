"""The way by mobile data: its tunnel, the sound of its calls, how much it bears."""
