"""RVX-Z: what a unit synchronises with its hub."""

from tools.errors import UNKNOWN, Entry, Said

__all__ = ["ENTRIES"]

ENTRIES = {
    "RVX-Z01": Entry(
        Said(
            "Processen sync är borta.",
            "Den har slutat, eller har inte hunnit starta.",
            "Samtalen går som vanligt. Se i dess logg varför, och sedan rvx restart sync.",
        ),
        Said(
            "The process sync is away.",
            "It has ended, or has not started yet.",
            "Calls go on. See in its log why; then rvx restart sync.",
        ),
        UNKNOWN,
    ),
    "RVX-Z02": Entry(
        Said(
            "Navet nås inte.",
            "Linjen, namnet, proxyn eller navet självt är i vägen; rvx sync why säger vad.",
            "Samtalen går som vanligt, och det som görs här väntar. Laga det som rvx sync why nämner.",
        ),
        Said(
            "The hub is not reached.",
            "The line, the name, the proxy or the hub itself is in the way; rvx sync why says which.",
            "Calls go on, and what is made here waits. Mend what rvx sync why names.",
        ),
        UNKNOWN,
    ),
    "RVX-Z03": Entry(
        Said(
            "Någon annan svarar i navets ställe.",
            "En inloggningssida för nätet, en proxy som öppnar TLS, eller en annan server på navets adress.",
            "Logga in på nätet där växeln står, undanta navet i proxyn, eller rätta adressen i [sync] hub.",
        ),
        Said(
            "Somebody else answers in the hub's place.",
            "A network's sign-in page (captive portal), a proxy that opens TLS, or another server at its address.",
            "Sign in to the network where the unit is, exempt the hub in the proxy, or mend the address in [sync] hub.",
        ),
        UNKNOWN,
    ),
    "RVX-Z04": Entry(
        Said(
            "Växeln är inte ansluten till navet.",
            "Ingen har gett den en kod, eller [sync] hub är ett annat nav än det som den är ansluten till.",
            "Skapa en kod vid navet (rvx hub enrol) och ge den med rvx enrol.",
        ),
        Said(
            "The unit is not one of the hub's.",
            "Nobody has given it a code, or [sync] hub is another hub than it was enrolled with.",
            "Make a code at the hub (rvx hub enrol) and give it by rvx enrol.",
        ),
    ),
    "RVX-Z05": Entry(
        Said(
            "Navet tar inte emot växeln.",
            "Certifikatet är återkallat, för gammalt eller en annan växels.",
            "Fråga den som sköter navet; anslut sedan växeln på nytt: rvx enrol --anew.",
        ),
        Said(
            "The hub does not take the unit.",
            "Its certificate was revoked, is too old, or another unit's.",
            "Ask who looks after the hub; then enrol the unit anew: rvx enrol --anew.",
        ),
        UNKNOWN,
    ),
    "RVX-Z06": Entry(
        Said(
            "Navet har mycket färre personer än förut; de är kvar här.",
            "Det är oftare en halv fil än en halv kommun, så ingen tas bort förrän någon har sagt att det stämmer.",
            "Fråga den som sköter katalogen. Stämmer det: rvx sync accept. Annars rättas det vid navet.",
        ),
        Said(
            "The hub has far fewer people than before; they are still here.",
            "That is more often half a file than half a municipality: nobody is removed until somebody says it is so.",
            "Ask who looks after the directory. If it is so: rvx sync accept. If not, it is mended at the hub.",
        ),
    ),
    "RVX-Z07": Entry(
        Said(
            "En del av det som navet sade, eller som växeln sade, har inte tagits in.",
            "Uppgifter är felaktiga eller nämner något som inte finns; allt annat är intaget.",
            "rvx sync why räknar upp dem. Rätta dem där de kommer ifrån; de prövas igen av sig själva.",
        ),
        Said(
            "Some of what the hub said, or the unit, was not taken in.",
            "Rows are faulty, or name what is not there; all else was taken in.",
            "rvx sync why lists them. Mend them where they come from; they are tried again by themselves.",
        ),
    ),
    "RVX-Z08": Entry(
        Said(
            "Växelns klocka och navets skiljer sig åt.",
            "En av dem går fel med mer än fem minuter; det som sätts nu får navets tid.",
            "Se efter tidsservern här (timedatectl) och vid navet.",
        ),
        Said(
            "The unit's clock and the hub's differ.",
            "One of them is wrong by more than five minutes; what is set now gets the hub's time.",
            "Look at the time server here (timedatectl) and at the hub.",
        ),
    ),
    "RVX-Z09": Entry(
        Said(
            "Två växlar talar med navet under samma namn.",
            "Ett minneskort har kopierats, eller en säkerhetskopia har lagts tillbaka. Inget går förlorat.",
            "Slå av den som inte ska vara i drift, eller anslut den på nytt: rvx enrol --anew.",
        ),
        Said(
            "Two units speak to the hub by one name.",
            "A card was copied, or a backup was put back. Nothing is lost.",
            "Switch off the one that should not be there, or enrol it anew: rvx enrol --anew.",
        ),
    ),
    "RVX-Z10": Entry(
        Said(
            "Navet tog inte koden.",
            "Den är fel, använd, för gammal, eller har gissats för ofta.",
            "Skapa en ny vid navet: rvx hub enrol.",
        ),
        Said(
            "The hub did not take the code.",
            "It is wrong, was used, is too old, or was guessed at too often.",
            "Make another at the hub: rvx hub enrol.",
        ),
        UNKNOWN,
    ),
    "RVX-Z11": Entry(
        Said(
            "Det går inte att veta att det är navet.",
            "Dess certifikat är inte det som angavs, eller av någon som systemet inte känner.",
            "Jämför fingeravtrycket med vad navet självt visar (rvx hub enrol), och ange det med --fingerprint.",
        ),
        Said(
            "It cannot be known that this is the hub.",
            "Its certificate is not the one that was given, or of somebody whom this system does not know.",
            "Compare the fingerprint with what the hub itself shows (rvx hub enrol), and give it by --fingerprint.",
        ),
        UNKNOWN,
    ),
    "RVX-Z12": Entry(
        Said(
            "Växeln är redan ansluten till ett nav.",
            "Den har ett certifikat sedan tidigare.",
            "Ska den anslutas på nytt: rvx enrol --anew.",
        ),
        Said(
            "The unit is a hub's already.",
            "It has a certificate since before.",
            "If it is to be enrolled anew: rvx enrol --anew.",
        ),
    ),
    "RVX-Z13": Entry(
        Said(
            "Det finns inget sådant att ångra.",
            "Numret är fel, eller någon har ångrat det redan.",
            "rvx sync overruled visar vad som finns.",
        ),
        Said(
            "There is nothing such to bring back.",
            "The number is wrong, or somebody has brought it back already.",
            "rvx sync overruled shows what there is.",
        ),
    ),
}
