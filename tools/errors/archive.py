"""RVX-R: the archive."""

from tools.errors import Entry, Said

__all__ = ["ENTRIES"]

ENTRIES = {
    "RVX-R01": Entry(
        Said(
            "Det står inte klart vilken kommuns beslut det gäller.",
            "Växeln har flera kommuners katalog, eller ingen med det namnet.",
            "Ange kommunens id med --municipality; rvx archive list visar dem.",
        ),
        Said(
            "It is not clear whose decision it is.",
            "The unit has the directory of several municipalities, or of none by that name.",
            "Name the municipality by --municipality; rvx archive list shows them.",
        ),
    ),
    "RVX-R02": Entry(
        Said(
            "Beslutet går inte att ta in.",
            "Antalet dagar eller beslutets namn är inte som det ska vara.",
            "Ange hela dagar, och beslutets diarienummer med --decision.",
        ),
        Said(
            "The decision cannot be taken in.",
            "The number of days or the name of the decision will not do.",
            "Give whole days, and the decision's number by --decision.",
        ),
    ),
    "RVX-R03": Entry(
        Said(
            "Mappen kan inte skrivas.",
            "Den finns redan, eller får inte skrivas.",
            "Ange en ny mapp.",
        ),
        Said("The folder cannot be written.", "It is there already, or may not be written.", "Name a new folder."),
    ),
    "RVX-R04": Entry(
        Said(
            "Det finns inget sådant i arkivet.",
            "Id:t är ingen post av det slaget, eller den är borta sedan tidigare, eller används än.",
            "rvx archive find visar vad som finns.",
        ),
        Said(
            "There is no such thing in the archive.",
            "The id is none of that kind, or it is gone since, or in use still.",
            "rvx archive find shows what there is.",
        ),
    ),
}
