"""Every limit and timing of the microcontroller, with its unit in its name."""

SECOND_MS = 1000
HOUR_MS = 3600 * SECOND_MS
DAY_MS = 24 * HOUR_MS

# The battery: one lithium-ion cell, or cells in parallel, measured under load.
BATTERY_MIN_MV, BATTERY_MAX_MV = 2000, 4500  # outside it is no measurement
LOW_MV = 3450  # said; the unit decides what it sheds
HALT_MV = 3250  # a halt is ordered
START_MV = 3600  # with mains back it bears a start, which draws most of all
CHARGED_MV = 4000  # with the mains line broken: somebody is charging it
LOW_FOR_MS = 10 * SECOND_MS  # a start of a modem makes a dip of a second
CURRENT_MAX_MA = 10000
HALTED_MA = 60  # a Pi that is on draws ten times as much
SUPPLY_MIN_MV, SUPPLY_MAX_MV = 1000, 6500
COLD_TENTHS, HOT_TENTHS, NONSENSE_TENTHS = -400, 700, 1250  # 0.1 degrees Celsius
COOL_TENTHS = 600  # not started again above it, once it was hot

# The mains line.
SAMPLE_MS = 10
MAINS_LOST_SAMPLES = 4  # in a row
MAINS_BACK_MS = 2 * SECOND_MS  # steady for so long
BOUNCES, BOUNCES_IN_MS = 8, 10 * SECOND_MS
MAINS_STEADY_MS = 10 * SECOND_MS  # before a start

# The heartbeat.
BEAT_LOST_MS = 10 * SECOND_MS  # one is sent each second
ASK_EVERY_MS = SECOND_MS
START_GRACE_MS = 180 * SECOND_MS  # a Pi that starts checks its disk
KERNEL_DEAD_MS = 15 * SECOND_MS  # its line beats each second; the Pi's own watchdog takes as long
WAIT_MS = 120 * SECOND_MS  # from a heart that was lost to a cut, where no calls can be up
WAIT_CALLS_MS = 900 * SECOND_MS  # where the edge was dead by its last word, and calls may go on without it
CYCLES_MAX = 4  # then one a day; each waits twice as long as the one before

# Halt, cut, start.
HALTED_SILENT_MS = 3 * SECOND_MS
HALTED_FOR_MS = 5 * SECOND_MS
OFF_MIN_MS = 10 * SECOND_MS  # capacitors are empty then
OFF_MAX_MS = HOUR_MS  # starts that fail are further and further apart, to this
OFF_REST_MS = 600 * SECOND_MS  # halted by a person, with mains there: time to unplug it
BATTERY_UNKNOWN_MS = 600 * SECOND_MS  # of mains, before a start with a battery that cannot be measured
DRAINED_FROM_MS, DRAINED_TO_MS = 3 * SECOND_MS, 6 * SECOND_MS  # after a boot
STEADY_MS = HOUR_MS  # a start that has lasted so long was a good one

# What is told, and kept.
TELL_MS = 100
DECIDE_MS = 100
LOG_RECORDS = 128  # in each of two files
LOG_PER_DAY = 200  # the ways of the supply itself are always kept
SLOTS_TRIES = 3
PROVE_MS = 60 * SECOND_MS  # of beats, before a new program is taken for good
PROVE_BY_MS = 300 * SECOND_MS  # with the supply on, else it starts anew, and the old one after SLOTS_TRIES
PROGRAM_MAX = 128 * 1024  # bytes

# The hardware watchdog: 8,388 ms at the most on an RP2040.
WATCHDOG_MS = 8000
LIVE_MS = 2 * SECOND_MS  # each duty was done so lately, or it is not fed
