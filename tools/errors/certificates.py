"""RVX-T: encryption and certificates."""

from tools.errors import UNKNOWN, Entry, Said

__all__ = ["ENTRIES"]

ENTRIES = {
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
