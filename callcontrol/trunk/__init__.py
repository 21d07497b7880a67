"""Out and in by modem, as decisions: which modem a call gets, what makes way for it, how numbers are written, who rings
when somebody calls back. Pure; firmware/trunk does it."""
