"""How pages look: from values to HTML. Pure."""
