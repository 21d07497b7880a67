"""The bench of power, part by part."""
