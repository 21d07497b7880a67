"""RVX-O: short messages."""

from tools.errors import UNKNOWN, Entry, Said

__all__ = ["ENTRIES"]

ENTRIES = {
    "RVX-O01": Entry(
        Said(
            "Dit kan inget SMS skickas.",
            "SMS går till mobilnummer; kortnummer och betalnummer är spärrade, utlandet är det om inget annat är valt.",
            "Ange ett mobilnummer. Utlandet öppnas med abroad under [sms].",
        ),
        Said(
            "No SMS can be sent there.",
            "SMS go to mobiles; short numbers and premium ones are barred, as are those abroad unless that is chosen.",
            "Give the number of a mobile. Abroad is opened by abroad under [sms].",
        ),
    ),
    "RVX-O02": Entry(
        Said(
            "Meddelandet kan inte skickas så.",
            "Texten är tom eller för lång, eller så finns inte anknytningen.",
            "Se rvx trunk sms --help.",
        ),
        Said(
            "The message cannot be sent like that.",
            "Its text is empty or too long, or there is no such extension.",
            "See rvx trunk sms --help.",
        ),
    ),
    "RVX-O03": Entry(
        Said("Det finns inget sådant SMS.", "Inget i kön heter så.", "rvx trunk sms visar de senaste."),
        Said("There is no such SMS.", "Nothing in the queue is called that.", "rvx trunk sms shows the newest."),
    ),
    "RVX-O04": Entry(
        Said(
            "Kön är full.",
            "Så många SMS väntar som kön rymmer: inget modem har kunnat skicka dem.",
            "Se efter varför med rvx trunk status.",
        ),
        Said(
            "The queue is full.",
            "As many SMS wait as it has room for: no modem could send them.",
            "Look why with rvx trunk status.",
        ),
        UNKNOWN,
    ),
}
