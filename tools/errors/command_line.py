"""RVX-A: the command line."""

from tools.errors import UNKNOWN, Entry, Said

__all__ = ["ENTRIES"]

ENTRIES = {
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
}
