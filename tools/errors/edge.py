"""RVX-E: the edge, Kamailio."""

from tools.errors import UNKNOWN, Entry, Said

__all__ = ["ENTRIES"]

ENTRIES = {
    "RVX-E01": Entry(
        Said(
            "Kamailio svarar inte.",
            "Samtalsdelen är inte igång, eller hänger.",
            "Starta växeln med rvx run, eller se i dess logg varför den slutade.",
        ),
        Said(
            "Kamailio does not answer.",
            "The edge does not run, or hangs.",
            "Start the unit by rvx run, or see in its log why it ended.",
        ),
        UNKNOWN,
    ),
    "RVX-E02": Entry(
        Said(
            "Kamailio startar inte.",
            "Dess egna ord om varför står i meddelandet.",
            "Rätta det som nämns; rvx check FIL prövar inställningarna utan att starta något.",
        ),
        Said(
            "Kamailio does not start.",
            "Its own words of why stand in the message.",
            "Mend what they name; rvx check FILE tries the configuration without starting anything.",
        ),
        UNKNOWN,
    ),
    "RVX-E03": Entry(
        Said(
            "Porten är upptagen.",
            "Ett annat program lyssnar på samma adress och port, ofta Debians egen tjänst kamailio.",
            "Se vilket med ss -lunp; stäng av det, eller ändra listen under [edge].",
        ),
        Said(
            "The port is taken.",
            "Another program listens on the same address and port, often Debian's own kamailio service.",
            "See which by ss -lunp; turn it off, or change listen under [edge].",
        ),
        UNKNOWN,
    ),
    "RVX-E04": Entry(
        Said(
            "Processen kör inte.",
            "Växeln är inte igång här, eller körs i en annan mapp.",
            "Starta växeln med rvx run, eller ange rätt mapp med --state.",
        ),
        Said(
            "The process does not run.",
            "The unit is not running here, or runs in another folder.",
            "Start the unit by rvx run, or name the right folder by --state.",
        ),
        UNKNOWN,
    ),
    "RVX-E05": Entry(
        Said(
            "Processen kom inte tillbaka.",
            "Den startar inte, eller ingen håller den igång.",
            "Läs dess logg; starta växeln igen om ingen övervakar den.",
        ),
        Said(
            "The process did not come back.",
            "It does not start, or nobody keeps it up.",
            "Read its log; start the unit again if nobody supervises it.",
        ),
        UNKNOWN,
    ),
}
