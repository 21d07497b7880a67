"""Modems: telephone calls, SMS and the state of a mobile network, by AT commands (3GPP 27.007, 27.005)."""
