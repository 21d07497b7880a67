"""RVX-V: the microcontroller."""

from tools.errors import UNKNOWN, Entry, Said

__all__ = ["ENTRIES"]

ENTRIES = {
    "RVX-V01": Entry(
        Said(
            "Den här växeln har ingen mikrostyrkrets.",
            "Inställningarna säger inte var den finns.",
            "Ange [mcu] port, till exempel serial:///dev/ttyAMA0, och starta om växeln.",
        ),
        Said(
            "This unit has no microcontroller.",
            "The configuration does not say where it is.",
            "Set [mcu] port, such as serial:///dev/ttyAMA0, and start the unit anew.",
        ),
    ),
    "RVX-V02": Entry(
        Said(
            "Processen heart svarar inte.",
            "Den håller ensam porten till mikrostyrkretsen, och är inte igång, eller så får du inte tala med den.",
            "Kör kommandot med sudo. Annars: se run/heart.log under växelns data.",
        ),
        Said(
            "The process heart does not answer.",
            "It alone holds the microcontroller's port, and does not run, or you may not speak with it.",
            "Give the command with sudo. Else: see run/heart.log in the unit's data.",
        ),
        UNKNOWN,
    ),
    "RVX-V03": Entry(
        Said(
            "Mikrostyrkretsen svarar inte.",
            "Porten finns inte, är upptagen, eller så hörs inget från den. Växeln behåller sin ström.",
            "Se kabel och [mcu] port. Är kretsen ny: lägg in laddaren först, se docs/mcu.md.",
        ),
        Said(
            "The microcontroller does not answer.",
            "Its port is not there, is taken, or nothing comes from it. The unit keeps its power.",
            "Look at the cable and [mcu] port. Is the chip new: put the loader on it first, see docs/mcu.md.",
        ),
        UNKNOWN,
    ),
    "RVX-V04": Entry(
        Said(
            "Mikrostyrkretsen tog inte emot det.",
            "Den prövar redan ett nytt program, har inte plats, eller så kom något fram fel.",
            "Vänta fem minuter och försök igen. rvx mcu log visar vad den gör.",
        ),
        Said(
            "The microcontroller did not take it.",
            "It is trying a new program already, has no room, or something came through wrong.",
            "Wait five minutes and try again. rvx mcu log shows what it does.",
        ),
        UNKNOWN,
    ),
    "RVX-V05": Entry(
        Said(
            "Programmet till mikrostyrkretsen gick inte att bygga.",
            "Källfilerna i board/mcu saknas eller har ett fel.",
            "Hämta om Reservväxel, eller rätta felet.",
        ),
        Said(
            "The microcontroller's program could not be built.",
            "The sources in board/mcu are missing or have a fault.",
            "Fetch Reservväxel anew, or mend the fault.",
        ),
    ),
    "RVX-V06": Entry(
        Said(
            "Det nya programmet bestod inte provet.",
            "Det startade inte, eller hörde inte växeln. Mikrostyrkretsen går tillbaka till det gamla av sig själv.",
            "rvx mcu log visar vad som hände. Inget behöver göras för strömmens skull.",
        ),
        Said(
            "The new program did not prove itself.",
            "It did not start, or did not hear the unit. The microcontroller goes back to the old one by itself.",
            "rvx mcu log shows what happened. Nothing need be done for the supply's sake.",
        ),
        UNKNOWN,
    ),
}
