"""SIMCom (SIM7600 and its kin). Sound is raw PCM on a USB port of its own, turned on once a call is up (the maker's
note on USB audio: after VOICE CALL: BEGIN), so nothing is heard before the answer; the first `+CPCMREG=1` may be
refused, and a modem that refuses it again has lost its sound until it is started anew, which the radio's off and on
does not mend (field reports: callpilot#121)."""

from drivers.modem.generic import Dialect

__all__ = ["SIMCOM"]

SIMCOM = Dialect(
    maker="simcom",
    set_up=(
        "AT+CLTS=1",
        "AT+DDET=1",
        "AT+CNSMOD=1",
        "AT+CPCMFRM=0",  # 8 kHz; with VoLTE it may be 16 otherwise
        "AT+CPCMBANDWIDTH=1,1",
    ),
    identity=("AT+CICCID", "AT+CCID"),
    pin_tries=("AT+SPIC", "AT+CPINR"),
    dial_s=6.0,
    hang_up=("AT+CHUP", "ATH"),
    reset=("AT+CRESET", "AT+CFUN=1,1"),
    sound_on=("AT+CPCMREG=1",),
    sound_is=("AT+CPCMREG?", "+CPCMREG: 1"),
    is_wide=("AT+CPCMFRM?", "+CPCMFRM: 1"),
    sound_off=("AT+CPCMREG=0",),
    hints=("VOICE CALL:", "MISSED_CALL:"),
)
