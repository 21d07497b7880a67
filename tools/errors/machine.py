"""RVX-N: the machine that rvx runs on."""

from tools.errors import UNKNOWN, Entry, Said

__all__ = ["ENTRIES"]

ENTRIES = {
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
}
