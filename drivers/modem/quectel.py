"""Quectel (EC25, EG25, EP06 and their kin). Sound is raw PCM on the port that else carries positions; what comes
unasked is sent to the port that we read; calls are told by `+QIND: "ccinfo"`, on EP06 by `^DSCI`, and EG25 rings
without a RING."""

from drivers.codec.at_lines import Ccinfo, parse_ccinfo, parse_dsci, prefix_of
from drivers.modem.generic import Dialect

__all__ = ["QUECTEL"]


def _call(line: str) -> Ccinfo | None:
    name = prefix_of(line)
    if name == "+QIND":
        return parse_ccinfo(line)
    return parse_dsci(line) if name == "^DSCI" else None


QUECTEL = Dialect(
    maker="quectel",
    set_up=(
        'AT+QURCCFG="urcport","usbat"',
        'AT+QINDCFG="ccinfo",1,0',
        "AT^DSCI=1",
        "AT+QTONEDET=1",
        "AT+QPCMV=0",  # of a call that somebody before us had
    ),
    identity=("AT+QCCID", "AT+CCID"),
    pin_tries=('AT+QPINC="SC"', "AT+CPINR"),
    ims=('AT+QCFG="ims"', "AT+CIREG?"),
    time=("AT+QLTS=2",),
    dial_s=6.0,
    # +QHUP would give a reason, but EP06 never answers it and starts anew (RoEdAl/asterisk-chan-quectel#3).
    hang_up=("AT+CHUP", "ATH"),
    reset=("AT+CFUN=1,1",),
    sound_on=("AT+QPCMV=1,0",),
    sound_is=("AT+QPCMV?", "+QPCMV: 1"),
    sound_early=True,
    sound_off=("AT+QPCMV=0",),
    busy="+QPCMV: 0",
    free="+QPCMV: 1",
    hints=("^DSCI", "+QIND"),
    parse_call=_call,
)
