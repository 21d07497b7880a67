"""A PoE switch's table and a UPS's, as programs that real net-snmp passes questions to."""
