"""The sound of calls: cores without clock or wire, and thin shells that join them to asyncio and to aiortc's tracks."""
