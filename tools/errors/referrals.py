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
    "RVX-H04": Entry(
        Said(
            "En avdelning är tom, eller ett passningsställe är obemannat.",
            "Alla där är hänvisade hela dagen, eller så är passningsställets telefon inte inkopplad på sin tid.",
            "Bemanna, eller sätt vem som svarar i stället. Telefonansvarig får veta det, sedan allt mer sällan.",
        ),
        Said(
            "A department is empty, or an attended place is not staffed.",
            "All of it are referred all day, or the place's phone is not there in its hours.",
            "Staff it, or set who answers instead. The telephony contact is told once, then ever more seldom.",
        ),
    ),
    "RVX-H05": Entry(
        Said(
            "En anknytning är vidarekopplad till mobil.",
            "Någon har satt det; driften ska veta det, eftersom det kostar.",
            "Behåll den om den behövs; annars avsluta den.",
        ),
        Said(
            "An extension is forwarded to a mobile.",
            "Somebody has set it; operations are to know, as it costs money.",
            "Keep it where it is needed; else end it.",
        ),
    ),
    "RVX-H06": Entry(
        Said(
            "Receptionen har inga öppettider.",
            "Utan öppettider är den alltid öppen, och nyckeln gör ingenting.",
            "Se rvx night show; öppettider sätts med rvx people organisation, [service].",
        ),
        Said(
            "The reception has no hours.",
            "Without hours it is always open, and its key does nothing.",
            "See rvx night show; hours are set by rvx people organisation, [service].",
        ),
    ),
    "RVX-H07": Entry(
        Said(
            "Kalendern kan inte läggas till så.",
            "Adressen är ingen webbadress, eller så går filen inte att läsa.",
            "Ange adressen som kalendern delas med (slutar ofta på .ics); den börjar med https:// eller webcal://.",
        ),
        Said(
            "The calendar cannot be added like that.",
            "The address is none of the web, or the file cannot be read.",
            "Give the address by which it is shared (it often ends in .ics); it begins with https:// or webcal://.",
        ),
    ),
    "RVX-H08": Entry(
        Said(
            "Anknytningen har ingen kalender.",
            "Ingen har lagt till någon, eller så är den borttagen.",
            "Lägg till en med rvx calendar add, eller på den egna sidan.",
        ),
        Said(
            "The extension has no calendar.",
            "Nobody has added one, or it was removed.",
            "Add one by rvx calendar add, or on one's own page.",
        ),
    ),
    "RVX-H09": Entry(
        Said(
            "En kalender kan inte läsas.",
            "Servern svarar inte, adressen gäller inte längre, eller så är det ingen kalender.",
            "rvx calendar show säger vilket. Dela kalendern på nytt och ange den nya adressen.",
        ),
        Said(
            "A calendar cannot be read.",
            "The server does not answer, the address is no longer valid, or it is no calendar.",
            "rvx calendar show says which. Share it anew and give the new address.",
        ),
    ),
    "RVX-H10": Entry(
        Said(
            "En felanmälan väntar på svar.",
            "Någon har anmält ett fel, och ingen har svarat.",
            "Se rvx fault list; svara med rvx fault answer.",
        ),
        Said(
            "A fault report waits for an answer.",
            "Somebody has reported a fault, and nobody has answered.",
            "See rvx fault list; answer by rvx fault answer.",
        ),
    ),
    "RVX-H11": Entry(
        Said(
            "Någon har slutat, och listan är inte klar.",
            "En vecka efter sista dagen finns något kvar: en telefon, en behörighet, ett meddelande.",
            "Se rvx leaver show; gör det som är kvar, eller avsluta listan.",
        ),
        Said(
            "Somebody has left, and the list is not done.",
            "A week after the last day something is left: a phone, a role, a message.",
            "See rvx leaver show; do what is left, or end the list.",
        ),
    ),
    "RVX-H12": Entry(
        Said(
            "Felanmälan eller listan kan inte ändras så.",
            "Den finns inte, är redan klar, eller så är det för många.",
            "Se rvx fault list eller rvx leaver show.",
        ),
        Said(
            "The fault report or the list cannot be changed like that.",
            "There is none, it is done already, or there are too many.",
            "See rvx fault list or rvx leaver show.",
        ),
    ),
}
