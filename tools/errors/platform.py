"""RVX-L: the line and the platform."""

from tools.errors import UNKNOWN, Entry, Said

__all__ = ["ENTRIES"]

ENTRIES = {
    "RVX-L01": Entry(
        Said(
            "Plattformen svarar inte.",
            "Den är nere, eller så är linjen dit bruten; telefonerna i huset når varandra ändå.",
            "Fråga plattformens drift; kontrollera linjen. Växeln går tillbaka av sig själv när den svarar.",
        ),
        Said(
            "The platform does not answer.",
            "It is down, or the line to it is broken; the phones in the house reach each other all the same.",
            "Ask who runs the platform; look at the line. The unit goes back by itself when it answers.",
        ),
        UNKNOWN,
    ),
    "RVX-L02": Entry(
        Said(
            "Linjen har ingen signal.",
            "Kabeln är ur, eller routern eller switchen i andra änden är strömlös.",
            "Se efter kabeln och strömmen till routern.",
        ),
        Said(
            "The line has no carrier.",
            "The cable is out, or the router or switch at its other end has no power.",
            "Look at the cable and the router's power.",
        ),
        UNKNOWN,
    ),
    "RVX-L03": Entry(
        Said(
            "Tecknen om plattformen säger emot varandra.",
            "Den svarar på kontrollfrågor men inte på samtal, eller tvärtom.",
            "Ring ett provsamtal ut; rapportera till plattformens drift om det inte går fram.",
        ),
        Said(
            "The signs of the platform disagree.",
            "It answers probes but not calls, or the other way round.",
            "Make a trial call outwards; report to who runs the platform if it does not get through.",
        ),
        UNKNOWN,
    ),
    "RVX-L04": Entry(
        Said(
            "Ingen plattform är angiven.",
            "nodes under [platform] är tom: växeln kopplar bara samtal i huset.",
            "Ange plattformens adress i nodes när det finns en.",
        ),
        Said(
            "No platform is configured.",
            "nodes under [platform] is empty: the unit carries calls within the house only.",
            "Give the platform's address in nodes when there is one.",
        ),
    ),
    "RVX-L05": Entry(
        Said(
            "Plattformen svarar igen, men växeln styr ännu själv.",
            "Den väntar en stund efter varje avbrott, och så länge som [returning] säger (samtal, klockslag).",
            "Vänta. Ska det gå fortare ändras when, hour, longest_wait_s eller hold_down_max_s under [returning].",
        ),
        Said(
            "The platform answers again, but the unit is still master.",
            "It waits: a while after each outage, and for as long as [returning] says (calls that are up, or an hour).",
            "Wait. To have it sooner, change when, hour, longest_wait_s or hold_down_max_s under [returning].",
        ),
    ),
    "RVX-L09": Entry(
        Said(
            "Plattformen når inte ut.",
            "Den lever och kopplar samtal inom sig, men samtal till nummer utanför slår fel ett efter ett: "
            "dess förbindelse utåt är borta.",
            "Rapportera till plattformens drift. Samtal i huset går som vanligt; 112 tar nästa väg av sig självt.",
        ),
        Said(
            "The platform does not reach the outside.",
            "It lives and carries calls within itself, but calls to numbers outside fail one after the other: "
            "its trunk is gone.",
            "Report to who runs the platform. Calls in the house go on as ever; 112 takes its next way by itself.",
        ),
        UNKNOWN,
    ),
    "RVX-L10": Entry(
        Said(
            "Växeln når plattformen via mobildata.",
            "Fast förbindelse saknas. Plattformen svarar via mobilnätet: nummer, köer och koder fungerar som vanligt.",
            "Se efter kabeln och routerns ström, och meddela den som sköter förbindelsen.",
        ),
        Said(
            "The unit reaches the platform by mobile data.",
            "The line is lost. The platform answers by the mobile network: numbers, queues and codes work as ever.",
            "Look at the cable and the router's power, and tell who runs the line.",
        ),
        UNKNOWN,
    ),
    "RVX-L11": Entry(
        Said(
            "Vägen via mobildata är inte redo.",
            "Den behövs när förbindelsen bryts, och tunneln, plattformen bortom den eller processen data svarar inte.",
            "Se efter modemets nät, nycklarna i båda ändar och vem som lyssnar på [data] endpoint.",
        ),
        Said(
            "The way by mobile data is not ready.",
            "It is needed when the line is cut; the tunnel, the platform behind it or the process data is silent.",
            "Look at the modem's network, the keys at both ends, and who listens at [data] endpoint.",
        ),
        UNKNOWN,
    ),
    "RVX-L12": Entry(
        Said(
            "Mobildatan är snart slut, eller är slut.",
            "Fyra femtedelar av [data] mb_per_day eller mb_per_month är använda. När allt är använt går bara 112 och "
            "receptionens samtal den vägen.",
            "Köp mer data och höj gränsen, eller laga förbindelsen.",
        ),
        Said(
            "Mobile data is nearly used up, or is.",
            "Four fifths of [data] mb_per_day or mb_per_month are used. When all is, only 112 and the reception "
            "go that way.",
            "Buy more and raise the limit, or mend the line.",
        ),
        UNKNOWN,
    ),
}
