"""How each model of modem speaks: what differs, as a table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["MODELS", "Family", "Model"]


class Family(StrEnum):
    """Whose commands beyond 27.007 it knows."""

    GENERIC = "generic"
    SIMCOM = "simcom"
    QUECTEL = "quectel"


@dataclass(frozen=True)
class Model:
    """One model. Times in seconds as seen of real ones, or plausible."""

    name: str
    family: Family
    manufacturer: str  # +CGMI
    product: str  # +CGMM
    firmware: str  # +CGMR
    usb_id: str  # vendor:product
    at_interface: int  # number of the USB interface with the AT port
    pcm_interface: int | None  # with the port of sound
    boot_lines: tuple[str, ...] = ("RDY", "+CPIN: READY", "SMS DONE", "PB DONE")
    boot_s: float = 8.0  # from power to the port
    hang_up_s: float = 0.2  # AT+CHUP to OK
    cmgs_s: float = 1.5  # the network's word for an SMS
    frame_ms: int = 20  # of sound in one delivery
    early_sound: bool = False  # carries sound before the answer too
    rings: bool = True  # says RING
    ring_s: float = 4.0


MODELS = {
    model.name: model
    for model in (
        Model("generic", Family.GENERIC, "Acme", "M1", "M1_1.0", "0000:0001", 2, None, boot_lines=("RDY",)),
        Model(
            *("sim7600", Family.SIMCOM, "SIMCOM INCORPORATED", "SIMCOM_SIM7600E-H", "LE20B05SIM7600M21-A"),
            *("1e0e:9001", 2, 4),
            hang_up_s=0.6,
            cmgs_s=2.5,
        ),
        Model(
            *("eg25g", Family.QUECTEL, "Quectel", "EG25", "EG25GGBR07A08M2G_30.202.00.000", "2c7c:0125", 2, 1),
            boot_lines=("RDY", "+CPIN: READY", "+QUSIM: 1", "+QIND: SMS DONE", "+QIND: PB DONE"),
            frame_ms=40,
            early_sound=True,
            rings=False,
        ),
        Model(
            *("ec25", Family.QUECTEL, "Quectel", "EC25", "EC25EFAR06A06M4G", "2c7c:0125", 2, 1),
            boot_lines=("RDY", "+CPIN: READY", "+QUSIM: 1", "+QIND: SMS DONE", "+QIND: PB DONE"),
            frame_ms=40,
            early_sound=True,
        ),
    )
}
"""By the name that `--model` takes."""
