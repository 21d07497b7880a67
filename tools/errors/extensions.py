"""RVX-D: extensions and their secrets."""

from tools.errors import Entry, Said

__all__ = ["ENTRIES"]

ENTRIES = {
    "RVX-D01": Entry(
        Said(
            "Anknytningen kan inte läggas till så.",
            "Numret, läget eller lösenordet är inte giltigt.",
            "Ange ett nummer med siffror, ett läge 1-4 och ett lösenord som läget kräver.",
        ),
        Said(
            "The extension cannot be added like that.",
            "Its number, mode or secret is not valid.",
            "Give a number of digits, a mode from 1 to 4, and the secret that the mode asks for.",
        ),
    ),
    "RVX-D02": Entry(
        Said(
            "Anknytningen finns inte.",
            "Den är borttagen, eller har aldrig lagts till.",
            "Se alla med rvx extension list.",
        ),
        Said(
            "The extension does not exist.",
            "It was removed, or never added.",
            "See all by rvx extension list.",
        ),
    ),
    "RVX-D03": Entry(
        Said(
            "Filen med anknytningar har fel; ingenting är ändrat.",
            "En rad saknar något, har ett värde som inte går, eller samma anknytning finns två gånger.",
            "Rätta raderna som räknas upp och kör samma kommando igen; --dry-run prövar utan att ändra.",
        ),
        Said(
            "The file of extensions has faults; nothing was changed.",
            "A line lacks something, has a value that will not do, or an extension occurs twice.",
            "Mend the lines listed and give the same command again; --dry-run tries without changing.",
        ),
    ),
    "RVX-D04": Entry(
        Said(
            "Ingen anknytning kan släppas in när plattformen är borta.",
            "Växeln har inga lösenord för telefonerna, och har inte hunnit lära sig någon.",
            "Lägg in lösenord med rvx extension import, eller låt telefonerna vara inloggade en tid.",
        ),
        Said(
            "No extension can be let in when the platform is gone.",
            "The unit has no secrets of the phones, and has not had the time to learn any.",
            "Give secrets by rvx extension import, or leave the phones registered for a while.",
        ),
    ),
}
