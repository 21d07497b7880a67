"""Every error and problem that a person may meet, by its code, in Swedish and in English.

A code is ``RVX-``, a letter for the area and two figures. It never changes its meaning and is never used again. What
stands here is what ``rvx explain`` says without any network, and what ``docs/errors.md`` is made from.
"""

from typing import NamedTuple

__all__ = ["AREAS", "CATALOG", "DONE", "FAILED", "INTERRUPTED", "UNKNOWN", "USAGE", "Entry", "Said", "UserError"]

# Exit codes, the same for every command.
DONE = 0  # done, or healthy; warnings included
FAILED = 1  # a check, drill or test failed
USAGE = 2  # wrong usage or configuration
UNKNOWN = 3  # could not find out: not running, not root, time-out
INTERRUPTED = 130  # Ctrl-C

AREAS = {
    "A": ("kommandoraden", "the command line"),
    "B": ("växelparet", "the pair of units"),
    "C": ("inställningarna", "the configuration"),
    "D": ("anknytningar och lösenord", "extensions and their secrets"),
    "E": ("samtalsdelen, Kamailio", "the edge, Kamailio"),
    "G": ("nödsamtal och andra vägar ut", "emergency calls and other ways out"),
    "H": ("hänvisningarna", "referrals"),
    "I": ("växelns identitet och dess reserv", "the unit's identity and its spare"),
    "J": ("lagringen", "the store"),
    "K": ("katalogen", "the directory"),
    "L": ("linjen och plattformen", "the line and the platform"),
    "M": ("ljudet i samtalen", "the sound of calls"),
    "N": ("datorn som rvx körs på", "the machine that rvx runs on"),
    "P": ("telefonerna", "the phones"),
    "S": ("växelns läge", "the state of the unit"),
    "T": ("kryptering och certifikat", "encryption and certificates"),
}


class Said(NamedTuple):
    """One problem in one language: a sentence of what it is, one of why, one of what to do."""

    what: str
    cause: str
    remedy: str


class Entry(NamedTuple):
    """A problem in both languages, and how a command ends that meets it."""

    sv: Said
    en: Said
    exit_status: int = USAGE


class UserError(Exception):
    """Ends a command with a code from the catalog.

    ``detail`` says why in this very case, in place of the catalog's general cause; ``remedy`` likewise what to do.
    """

    def __init__(self, code: str, detail: str = "", remedy: str = "") -> None:
        self.code = code
        self.entry = CATALOG[code]
        self.detail = detail or self.entry.en.cause
        self.remedy = remedy or self.entry.en.remedy
        super().__init__(f"{code} {self.entry.en.what} {self.detail}")


CATALOG: dict[str, Entry] = {
    "RVX-A01": Entry(
        Said("Kommandot finns inte.", "Det kan vara felstavat.", "Kör rvx utan argument för att se alla kommandon."),
        Said("There is no such command.", "It may be misspelt.", "Give rvx alone to see all commands."),
    ),
    "RVX-A02": Entry(
        Said(
            "Kommandot har fått argument som det inte förstår.",
            "Ett argument saknas, är felstavat eller har fel värde; förkortningar godtas inte.",
            "Se exemplet i rvx KOMMANDO --help.",
        ),
        Said(
            "The command was given arguments that it does not understand.",
            "One is missing, misspelt or has a wrong value; abbreviations are not taken.",
            "See the example in rvx COMMAND --help.",
        ),
    ),
    "RVX-A03": Entry(
        Said(
            "Det finns ingen sådan felkod.",
            "Koden är felstavad, eller kommer från en nyare version.",
            "Kör rvx explain utan kod för att se alla.",
        ),
        Said(
            "There is no such code.",
            "The code is misspelt, or comes from a newer version.",
            "Give rvx explain without a code to see all.",
        ),
    ),
    "RVX-A09": Entry(
        Said(
            "Programmet gjorde fel.",
            "Detta är ett fel i rvx, inte i det du gjorde.",
            "Sänd filen som nämns i meddelandet till den som sköter programmet; --debug visar allt på skärmen.",
        ),
        Said(
            "The program went wrong.",
            "This is a fault in rvx, not in what you did.",
            "Send the file that the message names to who looks after the program; --debug shows all on the screen.",
        ),
        UNKNOWN,
    ),
    "RVX-B01": Entry(
        Said(
            "Båda växlarna har de gemensamma adresserna.",
            "De hör inte varandra i telefonernas nät, och var och en tror att den andra är borta.",
            "Laga nätet mellan dem; till dess når en del telefoner den ena, en del den andra. Stäng hellre av en.",
        ),
        Said(
            "Both units have the shared addresses.",
            "They do not hear each other in the phones' network, and each takes the other for gone.",
            "Mend the network between them; until then some phones are at one, some at the other. Rather turn one off.",
        ),
        UNKNOWN,
    ),
    "RVX-B02": Entry(
        Said(
            "Den andra växeln hörs inte.",
            "Den är avstängd, eller alla vägar till den är brutna.",
            "Se till dess ström och kablar; så länge tar ingen över om den här växeln dör.",
        ),
        Said(
            "The other unit is not heard.",
            "It is off, or every way to it is cut.",
            "Look at its power and its cables; nobody takes over if this unit dies.",
        ),
        UNKNOWN,
    ),
    "RVX-B03": Entry(
        Said(
            "En av vägarna mellan växlarna är tyst.",
            "En kabel eller ett nät mellan dem är brutet, eller ett brandväggsfilter stoppar [standby] watch_port.",
            "Laga den; utan den kan det ske obemärkt att båda tjänstgör.",
        ),
        Said(
            "One of the ways between the units is silent.",
            "A cable or network between them is cut, or a filter stops [standby] watch_port.",
            "Mend it; without it both may serve without anybody seeing.",
        ),
        UNKNOWN,
    ),
    "RVX-B04": Entry(
        Said(
            "Ingen av växlarna har de gemensamma adresserna.",
            "Processen standby kör inte på någon av dem, eller telefonernas nät saknar bärare hos båda.",
            "Se processen standby och dess logg på båda.",
        ),
        Said(
            "Neither unit has the shared addresses.",
            "The process standby runs on none of them, or the phones' network has no carrier at both.",
            "Look at the process standby and its log on both.",
        ),
        UNKNOWN,
    ),
    "RVX-B05": Entry(
        Said(
            "Den andra växelns tabeller kommer inte fram.",
            "Något stoppar TCP till [standby] tables_port, eller växlarna har inte samma version.",
            "Öppna porten mellan dem; annars känner den som tar över inga telefoner förrän de anmäler sig igen.",
        ),
        Said(
            "The other unit's tables do not come over.",
            "Something stops TCP to [standby] tables_port, or the units do not have the same version.",
            "Open that port between them; else the one that takes over knows no phone until it registers again.",
        ),
        UNKNOWN,
    ),
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
    "RVX-E01": Entry(
        Said(
            "Kamailio svarar inte.",
            "Samtalsdelen är inte igång, eller hänger.",
            "Starta växeln med rvx run, eller se i dess logg varför den slutade.",
        ),
        Said(
            "Kamailio does not answer.",
            "The edge does not run, or hangs.",
            "Start the unit by rvx run, or see in its log why it ended.",
        ),
        UNKNOWN,
    ),
    "RVX-E02": Entry(
        Said(
            "Kamailio startar inte.",
            "Dess egna ord om varför står i meddelandet.",
            "Rätta det som nämns; rvx check FIL prövar inställningarna utan att starta något.",
        ),
        Said(
            "Kamailio does not start.",
            "Its own words of why stand in the message.",
            "Mend what they name; rvx check FILE tries the configuration without starting anything.",
        ),
        UNKNOWN,
    ),
    "RVX-E03": Entry(
        Said(
            "Porten är upptagen.",
            "Ett annat program lyssnar på samma adress och port, ofta Debians egen tjänst kamailio.",
            "Se vilket med ss -lunp; stäng av det, eller ändra listen under [edge].",
        ),
        Said(
            "The port is taken.",
            "Another program listens on the same address and port, often Debian's own kamailio service.",
            "See which by ss -lunp; turn it off, or change listen under [edge].",
        ),
        UNKNOWN,
    ),
    "RVX-E04": Entry(
        Said(
            "Processen kör inte.",
            "Växeln är inte igång här, eller körs i en annan mapp.",
            "Starta växeln med rvx run, eller ange rätt mapp med --state.",
        ),
        Said(
            "The process does not run.",
            "The unit is not running here, or runs in another folder.",
            "Start the unit by rvx run, or name the right folder by --state.",
        ),
        UNKNOWN,
    ),
    "RVX-E05": Entry(
        Said(
            "Processen kom inte tillbaka.",
            "Den startar inte, eller ingen håller den igång.",
            "Läs dess logg; starta växeln igen om ingen övervakar den.",
        ),
        Said(
            "The process did not come back.",
            "It does not start, or nobody keeps it up.",
            "Read its log; start the unit again if nobody supervises it.",
        ),
        UNKNOWN,
    ),
    "RVX-G01": Entry(
        Said(
            "112 har ingen annan väg ut än plattformen.",
            "Ingen gateway är angiven under [emergency], och inget modem finns.",
            "Ange en gateway, eller säg till alla i huset att ringa 112 från mobil när plattformen är borta.",
        ),
        Said(
            "112 has no way out but the platform.",
            "No gateway is given under [emergency], and there is no modem.",
            "Give a gateway, or tell everybody in the house to ring 112 by mobile when the platform is gone.",
        ),
    ),
    "RVX-H01": Entry(
        Said(
            "Hänvisningen kan inte sättas så.", "Orsaken, tiden eller numret går inte.", "Se rvx referral set --help."
        ),
        Said(
            "The referral cannot be set like that.",
            "Its reason, time or number will not do.",
            "See rvx referral set --help.",
        ),
    ),
    "RVX-H02": Entry(
        Said(
            "Återkomsttiden är tveksam; ingenting är ändrat.",
            "Den ligger utanför arbetstiden, på en helgdag, eller är redan förbi.",
            "Ange en annan tid, eller kör igen med --sure.",
        ),
        Said(
            "The return time is doubtful; nothing was changed.",
            "It is outside working hours, on a holiday, or past.",
            "Give another time, or the command again with --sure.",
        ),
    ),
    "RVX-H03": Entry(
        Said("Anknytningen är inte hänvisad.", "Det finns ingen hänvisning att avsluta.", "Se rvx referral show."),
        Said("The extension is not referred.", "There is no referral to end.", "See rvx referral show."),
    ),
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
    "RVX-L01": Entry(
        Said(
            "Plattformen svarar inte.",
            "Den är nere, eller så är linjen dit bruten; telefonerna i huset når varandra ändå.",
            "Fråga plattformens drift; kontrollera linjen. Växeln går tillbaka av sig själv när den svarar.",
        ),
        Said(
            "The platform does not answer.",
            "It is down, or the line to it is broken; the phones in the house reach each other all the same.",
            "Ask who runs the platform; look at the line. The unit goes back by itself when it answers.",
        ),
        UNKNOWN,
    ),
    "RVX-L02": Entry(
        Said(
            "Linjen har ingen signal.",
            "Kabeln är ur, eller routern eller switchen i andra änden är strömlös.",
            "Se efter kabeln och strömmen till routern.",
        ),
        Said(
            "The line has no carrier.",
            "The cable is out, or the router or switch at its other end has no power.",
            "Look at the cable and the router's power.",
        ),
        UNKNOWN,
    ),
    "RVX-L03": Entry(
        Said(
            "Tecknen om plattformen säger emot varandra.",
            "Den svarar på kontrollfrågor men inte på samtal, eller tvärtom.",
            "Ring ett provsamtal ut; rapportera till plattformens drift om det inte går fram.",
        ),
        Said(
            "The signs of the platform disagree.",
            "It answers probes but not calls, or the other way round.",
            "Make a trial call outwards; report to who runs the platform if it does not get through.",
        ),
        UNKNOWN,
    ),
    "RVX-L04": Entry(
        Said(
            "Ingen plattform är angiven.",
            "nodes under [platform] är tom: växeln kopplar bara samtal i huset.",
            "Ange plattformens adress i nodes när det finns en.",
        ),
        Said(
            "No platform is configured.",
            "nodes under [platform] is empty: the unit carries calls within the house only.",
            "Give the platform's address in nodes when there is one.",
        ),
    ),
    "RVX-L05": Entry(
        Said(
            "Plattformen svarar igen, men växeln styr ännu själv.",
            "Den väntar en stund efter varje avbrott, och så länge som [returning] säger (samtal, klockslag).",
            "Vänta. Ska det gå fortare ändras when, hour, longest_wait_s eller hold_down_max_s under [returning].",
        ),
        Said(
            "The platform answers again, but the unit is still master.",
            "It waits: a while after each outage, and for as long as [returning] says (calls that are up, or an hour).",
            "Wait. To have it sooner, change when, hour, longest_wait_s or hold_down_max_s under [returning].",
        ),
    ),
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
    "RVX-L09": Entry(
        Said(
            "Plattformen når inte ut.",
            "Den lever och kopplar samtal inom sig, men samtal till nummer utanför slår fel ett efter ett: "
            "dess förbindelse utåt är borta.",
            "Rapportera till plattformens drift. Samtal i huset går som vanligt; 112 tar nästa väg av sig självt.",
        ),
        Said(
            "The platform does not reach the outside.",
            "It lives and carries calls within itself, but calls to numbers outside fail one after the other: "
            "its trunk is gone.",
            "Report to who runs the platform. Calls in the house go on as ever; 112 takes its next way by itself.",
        ),
        UNKNOWN,
    ),
    "RVX-N01": Entry(
        Said(
            "Program saknas på datorn.",
            "Bara root får installera dem.",
            "Kör den rad med sudo apt-get install som meddelandet visar, och sedan samma kommando igen.",
        ),
        Said(
            "Programs are missing on this machine.",
            "Only root may install them.",
            "Give the line with sudo apt-get install that the message shows, then the same command again.",
        ),
        UNKNOWN,
    ),
    "RVX-N02": Entry(
        Said(
            "Ett steg i installationen gick inte.",
            "Ofta saknas nätverk, eller så är disken full; de sista raderna visas.",
            "Rätta det som de säger och kör samma kommando igen; det börjar där det slutade.",
        ),
        Said(
            "A step of the installation did not succeed.",
            "Often there is no network, or the disk is full; the last lines are shown.",
            "Mend what they say and give the same command again; it goes on where it ended.",
        ),
        UNKNOWN,
    ),
    "RVX-N03": Entry(
        Said(
            "Program saknas, och rvx kan inte installera dem här.",
            "Systemet är inte Debian, eller äldre än Debian 12.",
            "Installera dem på systemets eget sätt, eller använd Debian 12 eller 13.",
        ),
        Said(
            "Programs are missing, and rvx cannot install them here.",
            "The system is not Debian, or older than Debian 12.",
            "Install them by the system's own means, or use Debian 12 or 13.",
        ),
        UNKNOWN,
    ),
    "RVX-N04": Entry(
        Said(
            "rvx kan inte skriva i sin egen mapp.",
            "Mappen ägs av någon annan, och Python-miljön är inte gjord ännu.",
            "Låt ägaren köra samma kommando en gång, eller använd en egen kopia.",
        ),
        Said(
            "rvx cannot write in its own folder.",
            "The folder belongs to somebody else, and the Python environment has not been made yet.",
            "Let its owner give the same command once, or use a copy of your own.",
        ),
        UNKNOWN,
    ),
    "RVX-N05": Entry(
        Said(
            "Kommandot behöver vara root.",
            "Det bygger egna nätverk (namnrymder) på datorn, och det får bara root.",
            "Kör samma kommando med sudo. Inget utanför de egna nätverken rörs.",
        ),
        Said(
            "The command needs root.",
            "It builds networks of its own (namespaces) on this machine, which only root may.",
            "Give the same command with sudo. Nothing outside those networks is touched.",
        ),
        UNKNOWN,
    ),
    "RVX-N06": Entry(
        Said(
            "Klockan går inte säkert rätt.",
            "Datorn når ingen tidsserver, eller så är tidsprogrammet inte igång.",
            "Se på chrony eller systemd-timesyncd, och att NTP släpps ut ur nätet.",
        ),
        Said(
            "The clock may be wrong.",
            "The machine reaches no time server, or the program for it does not run.",
            "Look at chrony or systemd-timesyncd, and whether NTP is let out of the network.",
        ),
    ),
    "RVX-N07": Entry(
        Said(
            "En annan dator på nätet har växelns adress.",
            "Den gamla växeln är igång igen, eller så har adressen delats ut till någon annan.",
            "Dra ur den andras kabel. Två växlar med samma adress tar samtal från varandra.",
        ),
        Said(
            "Another machine on the network has the unit's address.",
            "The old unit runs again, or somebody else was given the address.",
            "Pull the other one's cable. Two units with one address take each other's calls.",
        ),
    ),
    "RVX-P01": Entry(
        Said(
            "Ingen telefon är registrerad.",
            "Telefonerna är inte inställda på växelns adress, eller deras lösenord godtas inte.",
            "Ge telefonerna växelns adress som proxy, och kontrollera lösenordet med rvx extension list.",
        ),
        Said(
            "No phone is registered.",
            "The phones do not have the unit's address, or their secrets are not accepted.",
            "Give the phones the unit's address as proxy, and look at their secrets by rvx extension list.",
        ),
    ),
    "RVX-P02": Entry(
        Said(
            "Färre telefoner än kända är registrerade.",
            "En telefon är avstängd, urkopplad eller har fel lösenord.",
            "Se vilka som saknas i rvx status --json; börja med strömmen till dem.",
        ),
        Said(
            "Fewer phones are registered than are known.",
            "A phone is turned off, unplugged or has a wrong secret.",
            "See which are missing in rvx status --json; begin with their power.",
        ),
    ),
    "RVX-P03": Entry(
        Said(
            "Telefoner är inloggade som växeln inte själv kan släppa in.",
            "De har inget lösenord här, och har inte setts hos plattformen så länge som learnt_after_s.",
            "Ge dem lösenord med rvx extension add eller import; annars tystnar de när plattformen försvinner.",
        ),
        Said(
            "Phones are registered that the unit cannot let in by itself.",
            "They have no secret here, and the platform has not been seen to accept them for learnt_after_s.",
            "Give them secrets by rvx extension add or import; else they fall silent when the platform is gone.",
        ),
    ),
    "RVX-P04": Entry(
        Said(
            "Plattformen godtar inte en telefons lösenord, och telefonen hålls därför borta från den.",
            "Telefonen har fel lösenord. Många fel svar skulle få plattformen att stänga ute hela huset.",
            "Ge telefonen rätt lösenord och starta om den; den prövas igen inom 10 minuter. 112 går fram hela tiden.",
        ),
        Said(
            "The platform does not take a phone's password, so the phone is kept from it.",
            "The phone has a wrong password. Many wrong answers would make the platform shut out the whole house.",
            "Give the phone its right password and restart it; it is tried again within 10 minutes. 112 works.",
        ),
        UNKNOWN,
    ),
    "RVX-P05": Entry(
        Said(
            "En telefon eller dator sänder för mycket.",
            "Den är trasig, felinställd eller angriper; den hörs inte förrän spärren löper ut, men 112 hörs alltid.",
            "Finn den med adress och port i meddelandet, och ta den från nätet.",
        ),
        Said(
            "A phone or computer sends too much.",
            "It is broken, wrongly set or attacking; it is not heard until its ban expires, but 112 always is.",
            "Find it by the address and port in the message, and take it off the network.",
        ),
        UNKNOWN,
    ),
    "RVX-S01": Entry(
        Said(
            "Växelns program för övervakning svarar inte.",
            "Det är inte igång, eller så söks det i fel mapp. Samtalen bärs av Kamailio och fortsätter ändå.",
            "Starta med rvx run; ange rätt mapp med --state MAPP eller --config FIL.",
        ),
        Said(
            "The unit's own process does not answer.",
            "It does not run, or is looked for in the wrong folder. Calls are Kamailio's and go on all the same.",
            "Start it by rvx run; name the right folder by --state DIR or --config FILE.",
        ),
        UNKNOWN,
    ),
    "RVX-S02": Entry(
        Said(
            "Uppgifterna om växelns läge är gamla.",
            "Det program som ska förnya dem har stannat; senaste läget gäller tills samtalen visar annat.",
            "Starta om växelns processer; pågående samtal bryts inte.",
        ),
        Said(
            "What is known of the unit's state is old.",
            "The process that should renew it has stopped; the last mode holds until calls prove otherwise.",
            "Start the unit's processes anew; calls that are up are not cut.",
        ),
        UNKNOWN,
    ),
    "RVX-S03": Entry(
        Said(
            "Växelns samtalsprogram svarar inte.",
            "Samtalen bärs av Kamailio och fortsätter. Men svar som plattformen ger för sent avslutas inte, ej heller "
            "samtal vars ljud dog med den; nekade samtal får kortare besked; och har plattformen glömt telefonerna får "
            "den veta det först när de hör av sig själva.",
            "Starta om växelns processer; pågående samtal bryts inte.",
        ),
        Said(
            "The unit's process calls does not answer.",
            "Calls are Kamailio's and go on. But what the platform answers too late is not ended, nor are calls whose "
            "sound died with it; refused calls are told so in fewer words; and a platform that has forgotten the "
            "phones hears of it only when they come by themselves.",
            "Start the unit's processes anew; calls that are up are not cut.",
        ),
        UNKNOWN,
    ),
    "RVX-T01": Entry(
        Said(
            "Certifikatet för telefoner med TLS går ut.",
            "Det är giltigt i mindre än 30 dagar till, eller inte längre.",
            "Lägg ett nytt där [tls] certificate och key säger; enhetens eget förnyas av sig självt.",
        ),
        Said(
            "The certificate for phones by TLS ends.",
            "It is valid for less than 30 days more, or no longer.",
            "Put a new one where [tls] certificate and key say; one of the unit's own renews itself.",
        ),
        UNKNOWN,
    ),
    "RVX-T02": Entry(
        Said(
            "Certifikatet för telefoner med TLS kan inte användas.",
            "Filen eller dess nyckel saknas, är trasig, eller de hör inte ihop; övriga telefoner berörs inte.",
            "Rätta [tls] certificate och key; det tas i bruk inom en timme, eller vid nästa start.",
        ),
        Said(
            "The certificate for phones by TLS cannot be used.",
            "The file or its key is missing or damaged, or they are no pair; other phones are not concerned.",
            "Mend [tls] certificate and key; it is taken in use within the hour, or at the next start.",
        ),
        UNKNOWN,
    ),
}
