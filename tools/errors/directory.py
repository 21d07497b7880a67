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
            "Många av personerna i katalogen skulle försvinna; ingenting är ändrat.",
            "Oftast är det en halv fil, en kommuns i stället för alla, eller en med andra id.",
            "Se efter i filen; om den är rätt, kör igen med --shrunken.",
        ),
        Said(
            "Many of the people in the directory would be gone; nothing was changed.",
            "Mostly it is half a file, one municipality's instead of all, or one with other ids.",
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
    "RVX-K07": Entry(
        Said(
            "En annan inläsning av personer kom före; ingenting av den här är ändrat.",
            "Två kommandon läste in personer samtidigt; det ena hade inte sett vad det andra ändrade.",
            "Vänta tills det andra är klart och kör samma kommando igen; --dry-run visar först vad som ändras.",
        ),
        Said(
            "Another load of people came first; nothing of this one was taken in.",
            "Two commands loaded people at the same time; one had not seen what the other changed.",
            "Wait until the other is done and give the same command again; --dry-run shows first what changes.",
        ),
    ),
}
