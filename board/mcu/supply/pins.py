"""Which pin of the RP2040 is what, and what a measurement on it is worth; as board/pinmap.toml has it."""

UART, BAUD, TX, RX = 0, 115200, 0, 1
CUT = 2  # out: high cuts the unit's supply; held low by a resistor, so that a dead microcontroller cuts nothing
WARN = 3  # out: lamp and buzzer
MAINS = 6  # in: high while there is mains
KERNEL = 7  # in: the unit's kernel beats here (dtoverlay=gpio-led, trigger "heartbeat")
HALTED = 8  # in: high when the unit's kernel has halted (dtoverlay=gpio-poweroff)
BATTERY, CURRENT, SUPPLY, INSIDE = 26, 27, 28, 4  # ADC: its pins, and the chip's own thermometer

MAINS_FITTED = KERNEL_FITTED = HALTED_FITTED = BATTERY_FITTED = CURRENT_FITTED = True

REFERENCE_MV = 3300
BATTERY_RATIO = (2, 1)  # of the divider
SUPPLY_RATIO = (2, 1)
CURRENT_MV_PER_A = 500  # of the amplifier at the shunt
CURRENT_ZERO_MV = 0
