"""RVX-B: the pair of units."""

from tools.errors import UNKNOWN, Entry, Said

__all__ = ["ENTRIES"]

ENTRIES = {
    "RVX-B01": Entry(
        Said(
            "Båda växlarna har de gemensamma adresserna.",
            "De hör inte varandra i telefonernas nät, och var och en tror att den andra är borta.",
            "Laga nätet mellan dem; till dess når en del telefoner den ena, en del den andra. Stäng hellre av en.",
        ),
        Said(
            "Both units have the shared addresses.",
            "They do not hear each other in the phones' network, and each takes the other for gone.",
            "Mend the network between them; until then some phones are at one, some at the other. Rather turn one off.",
        ),
        UNKNOWN,
    ),
    "RVX-B02": Entry(
        Said(
            "Den andra växeln hörs inte.",
            "Den är avstängd, eller alla vägar till den är brutna.",
            "Se till dess ström och kablar; så länge tar ingen över om den här växeln dör.",
        ),
        Said(
            "The other unit is not heard.",
            "It is off, or every way to it is cut.",
            "Look at its power and its cables; nobody takes over if this unit dies.",
        ),
        UNKNOWN,
    ),
    "RVX-B03": Entry(
        Said(
            "En av vägarna mellan växlarna är tyst.",
            "En kabel eller ett nät mellan dem är brutet, eller ett brandväggsfilter stoppar [standby] watch_port.",
            "Laga den; utan den kan det ske obemärkt att båda tjänstgör.",
        ),
        Said(
            "One of the ways between the units is silent.",
            "A cable or network between them is cut, or a filter stops [standby] watch_port.",
            "Mend it; without it both may serve without anybody seeing.",
        ),
        UNKNOWN,
    ),
    "RVX-B04": Entry(
        Said(
            "Ingen av växlarna har de gemensamma adresserna.",
            "Processen standby kör inte på någon av dem, eller telefonernas nät saknar bärare hos båda.",
            "Se processen standby och dess logg på båda.",
        ),
        Said(
            "Neither unit has the shared addresses.",
            "The process standby runs on none of them, or the phones' network has no carrier at both.",
            "Look at the process standby and its log on both.",
        ),
        UNKNOWN,
    ),
    "RVX-B05": Entry(
        Said(
            "Den andra växelns tabeller kommer inte fram.",
            "Något stoppar TCP till [standby] tables_port, eller växlarna har inte samma version.",
            "Öppna porten mellan dem; annars känner den som tar över inga telefoner förrän de anmäler sig igen.",
        ),
        Said(
            "The other unit's tables do not come over.",
            "Something stops TCP to [standby] tables_port, or the units do not have the same version.",
            "Open that port between them; else the one that takes over knows no phone until it registers again.",
        ),
        UNKNOWN,
    ),
}
