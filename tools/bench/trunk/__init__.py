"""``rvx bench trunk``: how soon 112 is out, what is lost of SMS and calls, what the sound of a modem costs."""
