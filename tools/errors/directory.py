"""RVX-K: the directory."""

from tools.errors import Entry, Said

__all__ = ["ENTRIES"]

ENTRIES = {
    "RVX-K01": Entry(
        Said(
            "Filen med personer har fel; ingenting är ändrat.",
            "En rad saknar något, har ett värde som inte går, eller samma anknytning finns två gånger.",
            "Rätta raderna som räknas upp och kör samma kommando igen; --dry-run prövar utan att ändra.",
        ),
        Said(
            "The file of people has faults; nothing was changed.",
            "A line lacks something, has a value that will not do, or an extension occurs twice.",
            "Mend the lines listed and give the same command again; --dry-run tries without changing.",
        ),
    ),
    "RVX-K02": Entry(
        Said(
            "Filen har mycket färre personer än katalogen; ingenting är ändrat.",
            "Oftast är det en halv fil, eller en kommuns i stället för alla.",
            "Se efter i filen; om den är rätt, kör igen med --shrunken.",
        ),
        Said(
            "The file has many fewer people than the directory; nothing was changed.",
            "Mostly it is half a file, or one municipality's instead of all.",
            "Look into the file; if it is right, give the command again with --shrunken.",
        ),
    ),
    "RVX-K03": Entry(
        Said("Personen finns inte.", "Namnet på personen eller anknytningen är ingens.", "Sök med rvx people find."),
        Said("There is no such person.", "The id or the extension is nobody's.", "Search by rvx people find."),
    ),
    "RVX-K04": Entry(
        Said("Filen kan inte skrivas.", "Den finns redan, eller får inte skrivas.", "Ange en ny fil."),
        Said("The file cannot be written.", "It is there already, or may not be written.", "Name a new file."),
    ),
    "RVX-K05": Entry(
        Said(
            "Filen om organisationen har fel; ingenting är ändrat.",
            "Den nämner något som inte finns i katalogen, eller ett värde som inte går.",
            "Rätta det som räknas upp; docs/people.md visar hur filen ser ut.",
        ),
        Said(
            "The file of the organisation has faults; nothing was changed.",
            "It names something that the directory lacks, or a value that will not do.",
            "Mend what is listed; docs/people.md shows what the file looks like.",
        ),
    ),
    "RVX-K06": Entry(
        Said(
            "Något i katalogen kan inte läsas.",
            "En rad säger något som ingenting här skulle skriva, till exempel telefontider som inga är.",
            "Läs in katalogen på nytt, eller rätta det som nämns. Telefonerna ringer under tiden som vanligt.",
        ),
        Said(
            "Something in the directory cannot be read.",
            "A row says what nothing here would write, such as phone hours that are none.",
            "Load the directory anew, or mend what is named. Meanwhile the phones ring as plain ones.",
        ),
    ),
}
