"""Modems: telephone calls, SMS and the state of a mobile network, by AT commands (3GPP 27.007, 27.005).

`model.py` says what a modem is to others, `kept.py` opens one and keeps it; under it a session of `session.py` lasts as
long as a port does. What differs between makers is data: `generic.py`, `simcom.py`, `quectel.py`."""
