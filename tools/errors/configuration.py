"""RVX-C: the configuration."""

from tools.errors import Entry, Said

__all__ = ["ENTRIES"]

ENTRIES = {
    "RVX-C01": Entry(
        Said(
            "Inställningsfilen har fel.",
            "En inställning är okänd, saknas eller ligger utanför sina gränser, eller två säger emot varandra.",
            "Rätta raderna som rvx check FIL räknar upp; växeln startar inte med en fil som har fel.",
        ),
        Said(
            "The configuration file has faults.",
            "A setting is unknown, missing or out of bounds, or two contradict each other.",
            "Mend the lines that rvx check FILE lists; the unit does not start with a faulty file.",
        ),
    ),
    "RVX-C02": Entry(
        Said(
            "Inställningsfilen kan inte läsas.",
            "Den finns inte, eller du får inte läsa den.",
            "Ange rätt fil med --config FIL eller i RVX_CONFIG.",
        ),
        Said(
            "The configuration file cannot be read.",
            "It does not exist, or you may not read it.",
            "Name the right file by --config FILE or in RVX_CONFIG.",
        ),
    ),
    "RVX-C03": Entry(
        Said(
            "Filen med lösenord är läsbar för andra.",
            "secrets.toml får bara läsas av sin ägare, som ska vara växelns användare eller root.",
            "Kör chmod 0600 på filen och ge den rätt ägare med chown.",
        ),
        Said(
            "The file of secrets can be read by others.",
            "secrets.toml may be read by its owner alone, who must be the unit's user or root.",
            "Give chmod 0600 on the file, and the right owner by chown.",
        ),
    ),
    "RVX-C04": Entry(
        Said(
            "Kamailio godtar inte den konfiguration som inställningarna ger.",
            "Vår mall och den här versionen av Kamailio passar inte ihop, eller ett värde betyder något för den.",
            "Rätta det värde som Kamailio nämner; annars är det ett fel i mallen, sänd utskriften av rvx check FIL.",
        ),
        Said(
            "Kamailio does not accept what the configuration renders to.",
            "Our template and this version of Kamailio do not fit, or a value means something to it.",
            "Mend the value that Kamailio names; else the template is at fault: send what rvx check FILE printed.",
        ),
    ),
    "RVX-C05": Entry(
        Said(
            "Nummer kan inte skiljas från varandra.",
            "En anknytning börjar som ett annat nummer, ett linjeprefix eller ett kort nummer som 112.",
            "Byt anknytningen, eller [numbering] i unit.toml.",
        ),
        Said(
            "Numbers cannot be told apart.",
            "An extension begins as another number, a line prefix or a short number such as 112 does.",
            "Change the extension, or [numbering] in unit.toml.",
        ),
    ),
    "RVX-C06": Entry(
        Said(
            "Ett stift på kortet vill två ha, eller så finns det inte.",
            "Två inställningar pekar på samma stift, eller så har kortet det till något annat (board/pinmap.toml).",
            "Flytta den som rvx check FIL nämner först på raden till ett ledigt stift.",
        ),
        Said(
            "A pin of the board is wanted by two, or is not there.",
            "Two settings name the same pin, or the board has it for something else (board/pinmap.toml).",
            "Move the one that rvx check FILE names first on the line to a free pin.",
        ),
    ),
    "RVX-C07": Entry(
        Said(
            "Kortets stiftkarta kan inte läsas.",
            "Filen board/pinmap.toml saknas, eller har ändrats så att två poster är samma stift.",
            "Ta tillbaka filen som den följde med programmet, eller rätta posten som nämns.",
        ),
        Said(
            "The map of the board's pins cannot be read.",
            "The file board/pinmap.toml is missing, or was changed so that two entries are one pin.",
            "Take back the file that came with the program, or mend the entry that is named.",
        ),
    ),
    "RVX-C08": Entry(
        Said(
            "Den andra inställningen kan inte tas i bruk.",
            "Den flyttar på växelns minne, eller finns ingen sparad att gå tillbaka till, eller är listan skadad.",
            "Läs vad som nämns; rvx config show visar vad som är sparat. Är listan skadad: flytta undan filen.",
        ),
        Said(
            "The other configuration cannot be taken in use.",
            "It moves what the unit remembers, or none was kept to go back to, or the list of them is damaged.",
            "Read what is named; rvx config show shows what is kept. If the list is damaged, move that file away.",
        ),
    ),
}
