"""RVX-H: referrals."""

from tools.errors import Entry, Said

__all__ = ["ENTRIES"]

ENTRIES = {
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
}
