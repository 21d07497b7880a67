"""RVX-S: the state of the unit."""

from tools.errors import UNKNOWN, Entry, Said

__all__ = ["ENTRIES"]

ENTRIES = {
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
}
