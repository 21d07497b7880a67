"""RVX-I: the unit's identity and its spare."""

from tools.errors import Entry, Said

__all__ = ["ENTRIES"]

ENTRIES = {
    "RVX-I01": Entry(
        Said(
            "Identitetsfilen kan inte läsas eller skrivas.",
            "Den finns inte, får inte läsas, eller finns redan där en ny skulle skrivas.",
            "Ange en annan fil.",
        ),
        Said(
            "The file of an identity cannot be read or written.",
            "It is not there, may not be read, or is there already where a new one was to be.",
            "Name another file.",
        ),
    ),
    "RVX-I02": Entry(
        Said(
            "Identitetsfilen eller dess lösenfras godtas inte; inget är ändrat.",
            "Lösenfrasen är fel, eller så är filen en annan sorts fil, avklippt, ändrad eller från en nyare rvx.",
            "Prova lösenfrasen igen; annars en annan kopia av filen, eller en nyare rvx.",
        ),
        Said(
            "The file of an identity, or its passphrase, is not accepted; nothing was changed.",
            "The passphrase is wrong, or the file is of another kind, cut, altered or of a newer rvx.",
            "Try the passphrase again; else another copy of the file, or a newer rvx.",
        ),
    ),
    "RVX-I03": Entry(
        Said(
            "Växeln på den här datorn är igång; inget är ändrat.",
            "En identitet kan inte bytas under ett program som använder den.",
            "Stoppa växeln, och ge samma kommando igen.",
        ),
        Said(
            "The unit on this machine runs; nothing was changed.",
            "An identity cannot be changed under a program that uses it.",
            "Stop the unit, then give the same command again.",
        ),
    ),
    "RVX-I04": Entry(
        Said(
            "Den gamla växeln svarar ännu på nätet; inget är ändrat.",
            "Två växlar med samma identitet tar samtal från varandra.",
            "Stäng av den gamla och dra ur dess kablar. --force om det är något annat som svarar.",
        ),
        Said(
            "The old unit still answers on the network; nothing was changed.",
            "Two units with one identity take each other's calls.",
            "Turn the old one off and pull its cables. --force if it is something else that answers.",
        ),
    ),
    "RVX-I05": Entry(
        Said(
            "Den här datorn är redan en växel; inget är ändrat.",
            "En reserv är tom: den har varken inställningar eller anknytningar.",
            "Ta en tom dator, eller ge --replace för att ersätta det som finns; samtalsposter blir kvar.",
        ),
        Said(
            "This machine is a unit already; nothing was changed.",
            "A spare is blank: it has neither configuration nor extensions.",
            "Take a blank one, or give --replace to have replaced what is here; records stay.",
        ),
    ),
    "RVX-I06": Entry(
        Said(
            "En import av identitet avbröts mitt i.",
            "Strömmen eller disken försvann medan filerna lades på plats; växeln startar inte på en halv identitet.",
            "Ge rvx identity import med samma fil igen.",
        ),
        Said(
            "An import of an identity was cut in the middle.",
            "Power or disk went while the files were put in place; the unit does not start on half an identity.",
            "Give rvx identity import with the same file again.",
        ),
    ),
}
