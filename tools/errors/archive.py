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
    "RVX-R05": Entry(
        Said(
            "Den som begär utdraget får inte det.",
            "Rätten att beställa utdrag för den enheten saknas i katalogens roller.",
            "Låt den som har rätten begära det, eller ge rollen i filen om organisationen.",
        ),
        Said(
            "Whoever asks for the extract may not have it.",
            "The roles of the directory give no right to order extracts for that unit.",
            "Have somebody ask who may, or give the role in the file of the organisation.",
        ),
    ),
    "RVX-R06": Entry(
        Said(
            "Utdraget går inte att göra.",
            "Anknytningen finns inte, eller tiden, beställaren eller skälet är inte som det ska vara.",
            "Ange en anknytning i katalogen, två datum, vem som begär utdraget och varför.",
        ),
        Said(
            "The extract cannot be made.",
            "The extension is not there, or the time, who asks or the reason will not do.",
            "Name an extension of the directory, two days, who asks for it and why.",
        ),
    ),
    "RVX-R07": Entry(
        Said(
            "Kommunen, bolaget eller enheten finns inte.",
            "Id:t eller namnet är ingens i katalogen, eller flera enheter heter så.",
            "Ange id:t som det står i katalogen; rvx people organisation visar hur de görs av namnen.",
        ),
        Said(
            "There is no such entity or unit.",
            "The id or the name is nobody's in the directory, or several units have that name.",
            "Name the id as the directory has it; docs/people.md says how they are made of the names.",
        ),
    ),
    "RVX-R08": Entry(
        Said(
            "Papperet får inte plats.",
            "Katalogen eller koderna har mer än vad en sida eller ett kort rymmer.",
            "Ta bort koder som ingen använder ur inställningarna, eller orsaker ur filen om organisationen.",
        ),
        Said(
            "The paper is too small.",
            "The directory or the codes have more than a page or a card can hold.",
            "Take codes that nobody uses out of the configuration, or reasons out of the file of the organisation.",
        ),
    ),
    "RVX-R09": Entry(
        Said(
            "Det som skulle gallras kunde inte tas bort.",
            "Disken eller lagringen tog inte emot det.",
            "Se efter med rvx doctor, och kör sedan rvx archive delete; växeln försöker själv en gång i timmen.",
        ),
        Said(
            "What was due could not be deleted.",
            "The disk or the store has not taken it.",
            "See rvx doctor, then give rvx archive delete; the unit itself tries once an hour.",
        ),
    ),
}
