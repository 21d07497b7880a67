"""RVX-Q: mail, and messages to people."""

from tools.errors import Entry, Said

__all__ = ["ENTRIES"]

ENTRIES = {
    "RVX-Q01": Entry(
        Said(
            "E-postservern tar inte emot.",
            "Den nås inte, eller vägrar inloggning, avsändare eller kryptering; vad den svarade står i meddelandet.",
            "Se över [mail] och lösenordet i secrets.toml; prova med rvx mail --test. Inget går förlorat.",
        ),
        Said(
            "The server of mail takes nothing.",
            "It is not reached, or refuses login, sender or encryption; what it said is in the message.",
            "Look at [mail] and the password in secrets.toml; try with rvx mail --test. No mail is lost meanwhile.",
        ),
    ),
    "RVX-Q02": Entry(
        Said(
            "E-post väntar och ingen skickar den.",
            "Processen web, som skickar, är inte igång eller har hängt sig.",
            "Se i dess logg varför; starta om den med rvx restart web.",
        ),
        Said(
            "Mail waits, and nobody sends it.",
            "The process web, which sends it, does not run, or hangs.",
            "See in its log why; start it anew by rvx restart web.",
        ),
    ),
    "RVX-Q03": Entry(
        Said(
            "Brev har inte kunnat skickas.",
            "Mottagarens server vägrade, tiden gick ut, eller förbindelsen bröts när brevet var lämnat: då vet ingen.",
            "Se vilka med rvx mail, och varför med rvx mail --why; rvx mail --again skickar på nytt.",
        ),
        Said(
            "Mail could not be sent.",
            "Its server refused it, time ran out, or the connection broke as it was handed over: then nobody knows.",
            "See which by rvx mail, and why by rvx mail --why; rvx mail --again sends it anew.",
        ),
    ),
    "RVX-Q04": Entry(
        Said(
            "Någon väntar på att bli kontaktad.",
            "Ett meddelande är inte hanterat inom två arbetsdagar, eller så har det inte gått att nå den det är till.",
            "Se vilka med rvx memo list; kontakta den som söker, och säg till med rvx memo handled.",
        ),
        Said(
            "Somebody waits to be contacted.",
            "A message was not handled within two working days, or whoever it is to could not be told.",
            "See which by rvx memo list; contact whoever left it, and say so by rvx memo handled.",
        ),
    ),
    "RVX-Q05": Entry(
        Said("Ingen e-postserver är vald.", "Under [mail] är server tom.", "Ange server och sender under [mail]."),
        Said("No server of mail is chosen.", "Under [mail] server is empty.", "Give server and sender under [mail]."),
    ),
    "RVX-Q06": Entry(
        Said(
            "Det finns inget sådant brev, eller så är det inte misslyckat.",
            "Inget i kön heter så; bara det som misslyckats eller är oklart skickas på nytt.",
            "rvx mail visar de senaste.",
        ),
        Said(
            "There is no such mail, or it has not failed.",
            "Nothing in the queue is called that; only what failed, or is not known of, is sent anew.",
            "rvx mail shows the newest.",
        ),
    ),
    "RVX-Q07": Entry(
        Said(
            "Meddelandet kan inte tas emot så.",
            "Ett fält är för långt eller har tecken som inte kan visas, det är tomt, eller för många väntar.",
            "Se rvx memo take --help.",
        ),
        Said(
            "The message cannot be taken like that.",
            "A field is too long or has letters that cannot be shown, it is empty, or too many wait.",
            "See rvx memo take --help.",
        ),
    ),
    "RVX-Q08": Entry(
        Said(
            "Det finns inget sådant meddelande att hantera.",
            "Det är redan hanterat, eller finns inte.",
            "Se rvx memo list.",
        ),
        Said("There is no such message to handle.", "It is handled already, or there is none.", "See rvx memo list."),
    ),
}
