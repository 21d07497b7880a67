"""RVX-Y: the hub."""

from tools.errors import UNKNOWN, Entry, Said

__all__ = ["ENTRIES"]

ENTRIES = {
    "RVX-Y01": Entry(
        Said(
            "Här finns inget nav.",
            "Mappen är inte ett navs, eller så gjordes det aldrig färdigt.",
            "Ange mappen med --state, eller gör ett nav med rvx hub init.",
        ),
        Said(
            "There is no hub here.",
            "The folder is no hub's, or it was never made to its end.",
            "Name the folder by --state, or make a hub by rvx hub init.",
        ),
    ),
    "RVX-Y02": Entry(
        Said(
            "Navet kan inte göra så.",
            "Det som angavs finns inte, eller är inte som det ska vara; raden säger vad.",
            "rvx hub unit och rvx hub account visar vad som finns.",
        ),
        Said(
            "The hub cannot do that.",
            "What was given is not there, or not as it must be; the line says which.",
            "rvx hub unit and rvx hub account show what is there.",
        ),
    ),
    "RVX-Y03": Entry(
        Said(
            "Navets certifikatutfärdare kan inte användas.",
            "En fil i mappen ca saknas, är skadad eller får inte läsas.",
            "Lägg tillbaka mappen ca ur en kopia; utan den måste alla växlar anslutas på nytt.",
        ),
        Said(
            "The hub's certificate authority cannot be used.",
            "A file in the folder ca is missing, damaged or may not be read.",
            "Put the folder ca back from a copy; without it all units are to be enrolled anew.",
        ),
    ),
    "RVX-Y04": Entry(
        Said(
            "Två källor säger sig ha samma person, anknytning eller enhet.",
            "Det som lästes in finns redan hos en annan källa.",
            "Ta bort det ur den ena, eller läs in båda som samma --source.",
        ),
        Said(
            "Two sources say that one person, extension or unit is theirs.",
            "What was loaded is another source's already.",
            "Take it out of one of them, or load both as the same --source.",
        ),
    ),
    "RVX-Y05": Entry(
        Said(
            "Kopian kan inte göras eller användas.",
            "Mappen kan inte skrivas, kopian är inte hel, eller så är mappen för navet inte tom.",
            "Ange en annan mapp, en äldre kopia, eller en tom mapp med --state.",
        ),
        Said(
            "The copy cannot be made or used.",
            "The folder cannot be written, the copy is not whole, or the hub's folder is not empty.",
            "Name another folder, an older copy, or an empty folder by --state.",
        ),
    ),
    "RVX-Y06": Entry(
        Said(
            "Navet kan inte lyssna där.",
            "Adressen finns inte på datorn, eller så är porten upptagen.",
            "Ange en annan adress och port med --listen.",
        ),
        Said(
            "The hub cannot listen there.",
            "The address is not of this machine, or the port is taken.",
            "Name another address and port by --listen.",
        ),
        UNKNOWN,
    ),
}
