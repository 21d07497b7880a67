"""How fast, how sparing and how sure units and hub agree."""
