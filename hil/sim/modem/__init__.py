"""Mobile modems and the mobile network behind them, as a program that speaks the wire.

Written from 3GPP TS 27.007 (AT commands), 27.005 (AT commands for SMS), 23.040 (SMS), 23.038 (alphabets), V.250 (the
line) and from what real modems have been seen to say; not from any driver.

One program is one network with any number of modems in it (:mod:`hil.sim.modem.world`), each with an AT port and, where
it has one, a port of sound; a control socket for the rig; and a history of everything that happened. The parts do no IO
and ask :class:`~hil.sim.modem.timers.Timers` for the time: a test may own it.

    line      bytes ↔ lines, with what real lines do to them        faults    what can be wrong, by name
    request   a command line taken apart                            models    how each model speaks
    device    one modem: its state, its power, its commands         general, registration, card, calls (calllines),
    shared    what its parts know of one another                    messages, sound: the commands, by duty
    network   who is reached by which number, calls, 112            phones, voices: who answers, what is heard
    centre    SMS, USSD, the time                                   tpdu      23.040 as the service centre writes it
    pcm       sound at the modem's own clock                        ports, usb: pty, TCP, socket pair; a place in sysfs
    world     a network and its modems                              control, history: what a rig asks, and reads
"""
