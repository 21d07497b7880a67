"""RVX-J: the store."""

from tools.errors import UNKNOWN, Entry, Said

__all__ = ["ENTRIES"]

ENTRIES = {
    "RVX-J01": Entry(
        Said(
            "Lagringen kan inte öppnas.",
            "Filen är skadad, tillhör en nyare version, eller du får inte läsa den.",
            "Läs orsaken i meddelandet; en skadad fil ersätts från säkerhetskopia, aldrig genom att raderas först.",
        ),
        Said(
            "The store cannot be opened.",
            "The file is damaged, belongs to a newer version, or you may not read it.",
            "Read the reason in the message; a damaged file is replaced from a backup, never deleted first.",
        ),
        UNKNOWN,
    ),
    "RVX-J02": Entry(
        Said(
            "Mappen för växelns data går inte att använda.",
            "Den finns inte, kan inte skapas, eller ägs av någon annan.",
            "Ange en mapp du får skriva i med --state MAPP eller RVX_STATE, eller kör som växelns användare.",
        ),
        Said(
            "The folder for the unit's data cannot be used.",
            "It does not exist, cannot be made, or belongs to somebody else.",
            "Name a folder that you may write in by --state DIR or RVX_STATE, or be the unit's user.",
        ),
        UNKNOWN,
    ),
    "RVX-J03": Entry(
        Said(
            "Filer med hemligheter kan läsas av andra.",
            "Någon har ändrat rättigheterna, eller kopierat dit filerna för hand.",
            "Ge dem läge 0600; byt lösenord om andra har varit inloggade på datorn.",
        ),
        Said(
            "Files with secrets can be read by others.",
            "Somebody changed their rights, or copied them there by hand.",
            "Give them mode 0600; change the secrets if others were logged in on the machine.",
        ),
    ),
    "RVX-J04": Entry(
        Said(
            "Disken är snart full.",
            "Loggar, säkerhetskopior eller annat har samlats där växelns uppgifter ligger.",
            "Ta bort det som inte hör till växeln; samtal går ändå, men samtalsposter kan inte skrivas.",
        ),
        Said(
            "The disk is nearly full.",
            "Logs, backups or other things have gathered where the unit's data lies.",
            "Remove what is not the unit's; calls go on, but no record can be written on a full disk.",
        ),
    ),
    "RVX-J06": Entry(
        Said(
            "Lagringen tar inte emot ändringen; ingenting är ändrat.",
            "Disken är full, eller ett annat kommando håller på och skriver.",
            "Vänta tills det andra är klart, eller gör plats, och kör samma kommando igen.",
        ),
        Said(
            "The store does not take the change; nothing was changed.",
            "The disk is full, or another command is writing.",
            "Wait until the other is done, or make room, and give the same command again.",
        ),
    ),
}
