"""Sources of what is known about power: a mains UPS by NUT, fuel gauges on I2C, the board's microcontroller.

`model.py` says what each of them tells, and what "not known" is; how much of it is believed is decided above."""
