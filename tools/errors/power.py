"""RVX-W: power."""

from tools.errors import Entry, Said

__all__ = ["ENTRIES"]

ENTRIES = {
    "RVX-W01": Entry(
        Said(
            "Den telefonen eller enheten finns inte.",
            "Bara en anknytning i katalogen kan få reservkraft beställd, av en enhet i katalogen.",
            "Sök med rvx people find. Finns den på plattformen: läs in katalogen på nytt.",
        ),
        Said(
            "There is no such phone or unit.",
            "Only an extension of the directory can be ordered protected, by a unit of the directory.",
            "Search with rvx people find. If the platform has it: load the directory anew.",
        ),
    ),
    "RVX-W02": Entry(
        Said(
            "Telefonen har ingen reservkraft beställd.",
            "Ingen har beställt det, eller så är det redan avslutat.",
            "rvx power plan visar vilka som har det.",
        ),
        Said(
            "The phone is not protected.",
            "Nobody has ordered it, or it was ended already.",
            "rvx power plan shows which ones are.",
        ),
    ),
    "RVX-W03": Entry(
        Said(
            "Telefonen har redan reservkraft beställd.",
            "En annan beställning gäller; den byts inte mot en ny utan att någon vet det.",
            "rvx power plan visar vem som beställde. Avsluta den först: rvx power protect ANKNYTNING --end.",
        ),
        Said(
            "The phone is protected already.",
            "Another order is in force; it is not replaced by a new one unnoticed.",
            "rvx power plan shows who ordered it. End that first: rvx power protect EXTENSION --end.",
        ),
    ),
}
