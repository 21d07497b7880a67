<<<<<<< HEAD
"""How pages look: from values to HTML. Pure."""
=======
"""How pages look: pure, from values to HTML."""
>>>>>>> 50dfe31 (Pages: one's own, set by a touch or two; the directory; words, looks, and what is kept for without a network)
