"""The hub: the platform's side of sync. What every unit made in an outage is taken here once, and what the platform
knows goes out to each from here. SQLite, aiohttp, a CA of its own; docs/hub.md."""
