"""The ways out of the building, as decisions: which modem a call gets, what makes way for it, how numbers are written,
who rings when somebody calls back; how much a way by data bears. Pure; firmware/trunk and firmware/data do it."""
