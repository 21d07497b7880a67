"""RVX-M: the sound of calls."""

from tools.errors import UNKNOWN, Entry, Said

__all__ = ["ENTRIES"]

ENTRIES = {
    "RVX-M01": Entry(
        Said(
            "Plattformen leder samtalens ljud genom sig.",
            "Dess inställning för intern media är så, eller så finns telefonerna bakom adressöversättning.",
            "Be plattformens skötare om direkt media i huset; annars tystnar pågående samtal när den faller.",
        ),
        Said(
            "The platform leads the sound of calls through itself.",
            "It is set up so, or it takes the phones to be behind address translation.",
            "Ask who runs it for direct media inside the house; else calls that are up fall silent when it fails.",
        ),
    ),
    "RVX-M02": Entry(
        Said(
            "Texten kan inte sägas.",
            "Programmet espeak-ng saknas eller misslyckades, och orden är inte inspelade.",
            "Installera espeak-ng, eller spela in fraserna (docs/people.md).",
        ),
        Said(
            "The text cannot be said.",
            "The program espeak-ng is missing or failed, and the words are not recorded.",
            "Install espeak-ng, or record the phrases (docs/people.md).",
        ),
        UNKNOWN,
    ),
    "RVX-M03": Entry(
        Said(
            "Ljudet kan varken spelas upp eller skrivas här.",
            "Datorn har inget som spelar ljud, eller så går filen inte att skriva.",
            "Skriv det till en fil: rvx say TEXT --out FIL.wav.",
        ),
        Said(
            "The sound can be neither played nor written here.",
            "The machine has nothing that plays sound, or the file cannot be written.",
            "Write it to a file: rvx say TEXT --out FILE.wav.",
        ),
        UNKNOWN,
    ),
    "RVX-M04": Entry(
        Said(
            "En inspelad fras används inte.",
            "Filen heter inte som någon fras, går inte att läsa, är tyst eller för lång.",
            "Rätta den fil som nämns; till dess sägs frasen av espeak-ng.",
        ),
        Said(
            "A recorded phrase is not used.",
            "The file has no phrase's name, cannot be read, is silent or too long.",
            "Mend the file that is named; until then espeak-ng says the phrase.",
        ),
    ),
    "RVX-M05": Entry(
        Said(
            "Det finns inget sådant hot, eller inget ljud av det.",
            "Numret är inget hots, samtalet kunde inte spelas in, eller så är filen borttagen.",
            "Se rvx threat list.",
        ),
        Said(
            "There is no such threat, or no sound of it.",
            "The id is no threat's, the call could not be recorded, or the file was taken away.",
            "See rvx threat list.",
        ),
    ),
    "RVX-M06": Entry(
        Said(
            "Enheten kan inte säga något till den som ringer.",
            "Ett bibliotek eller en mapp kunde inte läsas in. Samtal går fram, men utan besked och musik.",
            "Felet står i calls.log i enhetens mapp run. Rätta det, och ge sedan rvx restart calls.",
        ),
        Said(
            "The unit can say nothing to callers.",
            "A library or a folder could not be loaded. Calls get through, without announcements and music.",
            "What failed stands in calls.log in the unit's folder run. Mend it, then rvx restart calls.",
        ),
    ),
}
