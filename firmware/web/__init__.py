"""Pages for those who sit in the building, and what else the process `web` does over the network.

`site.py` says who may have which page, `server.py` moves the bytes, `pages/` does what is asked, `views/` says how it
looks.
"""
