"""RVX-U: the unit itself: disk, voltage, warmth, watchdog."""

from tools.errors import Entry, Said

__all__ = ["ENTRIES"]

ENTRIES: dict[str, Entry] = {
    "RVX-U01": Entry(
        Said(
            "Lagringen går inte att skriva till.",
            "Disken eller minneskortet är trasigt, och systemet har låst det för att rädda det som finns.",
            "Samtal går ändå. Byt enhet, eller disk; ta först med dig identiteten (rvx identity export).",
        ),
        Said(
            "The storage cannot be written.",
            "The disk or memory card is broken, and the system has locked it to save what is there.",
            "Calls go on. Change the unit, or its disk; take its identity with you first (rvx identity export).",
        ),
    ),
    "RVX-U02": Entry(
        Said(
            "Lagringen är nästan utsliten.",
            "Minnet har skrivits så mycket som tillverkaren räknat med.",
            "Beställ en reservenhet nu; ta med identiteten medan den går att läsa (rvx identity export).",
        ),
        Said(
            "The storage is nearly worn out.",
            "Its memory was written as much as its maker meant.",
            "Order a spare unit now; take the identity with you while it can be read (rvx identity export).",
        ),
    ),
    "RVX-U03": Entry(
        Said(
            "Enheten får för låg spänning.",
            "Nätdelen är för svag, eller kabeln för lång eller dålig.",
            "Byt nätdel eller kabel. Modem och lagring är de som slutar fungera först.",
        ),
        Said(
            "The unit gets too little voltage.",
            "Its power supply is too weak, or the cable too long or bad.",
            "Change power supply or cable. Modems and storage are what fails first.",
        ),
    ),
    "RVX-U04": Entry(
        Said(
            "Enheten är för varm.",
            "Den står trångt eller i solen, eller fläkten har stannat; den sänker då sin fart.",
            "Ge den luft och se efter fläkten.",
        ),
        Said(
            "The unit is too warm.",
            "It stands in a narrow place or in the sun, or its fan has stopped; it slows itself down then.",
            "Give it air, and look at its fan.",
        ),
    ),
    "RVX-U05": Entry(
        Said(
            "Enheten har hängt sig och startats om av sin vakthund.",
            "Systemet svarade inte längre; hårdvaran startade om det. Samtal som pågick då bröts.",
            "Se efter strömförsörjning och värme. Händer det igen: byt enheten.",
        ),
        Said(
            "The unit had hung, and was started anew by its watchdog.",
            "The system no longer answered; the hardware began it anew. Calls that were up then were cut.",
            "Look at its power and warmth. If it comes again: change the unit.",
        ),
    ),
    "RVX-U06": Entry(
        Said(
            "Ingen matar enhetens vakthund.",
            "Hårdvaran kan starta om ett system som har hängt sig, men ingen har slagit på det.",
            "Sätt RuntimeWatchdogSec= i /etc/systemd/system.conf och starta om enheten.",
        ),
        Said(
            "Nobody feeds the unit's watchdog.",
            "The hardware can begin a system anew that hangs, but nobody has turned that on.",
            "Set RuntimeWatchdogSec= in /etc/systemd/system.conf, and start the unit anew.",
        ),
    ),
}
