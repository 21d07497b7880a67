"""RVX-G: emergency calls and other ways out."""

from tools.errors import UNKNOWN, Entry, Said

__all__ = ["ENTRIES"]

ENTRIES = {
    "RVX-G01": Entry(
        Said(
            "112 har ingen annan väg ut än plattformen.",
            "Ingen gateway är angiven under [emergency], och inget modem finns.",
            "Ange en gateway, eller säg till alla i huset att ringa 112 från mobil när plattformen är borta.",
        ),
        Said(
            "112 has no way out but the platform.",
            "No gateway is given under [emergency], and there is no modem.",
            "Give a gateway, or tell everybody in the house to ring 112 by mobile when the platform is gone.",
        ),
    ),
    "RVX-G02": Entry(
        Said(
            "En anknytning ringer ut ovanligt mycket eller dyrt.",
            "Den har nått kommunens gräns för samtal eller kostnad på en timme; kostnaden är uppskattad.",
            "Fråga vems telefonen är. Är den i fel händer: rvx extension block. Gränserna: guard_calls och guard_kr.",
        ),
        Said(
            "An extension calls outside unusually often, or at an unusual cost.",
            "It has come to the municipality's limit of calls or cost in an hour; the cost is an estimate.",
            "Ask whose phone it is. In wrong hands: rvx extension block. The limits: guard_calls and guard_kr.",
        ),
    ),
    "RVX-G03": Entry(
        Said(
            "Processen trunk svarar inte.",
            "Den är inte igång, eller så har enheten inget modem ([[modem]]). 112 tar nästa väg ut utan den.",
            "Se efter med rvx status, och i trunk.log i enhetens mapp run.",
        ),
        Said(
            "The process trunk does not answer.",
            "It is not running, or the unit has no modem ([[modem]]). 112 takes the next way out without it.",
            "Look at rvx status, and at trunk.log in the unit's folder run.",
        ),
        UNKNOWN,
    ),
    "RVX-G04": Entry(
        Said(
            "Provsamtalet kan inte göras nu.",
            "Modemet finns inte, har ett samtal, eller så finns ingen att ringa till.",
            "Ange test_number under [trunk], eller numren till två modem; försök igen när inget samtal är uppe.",
        ),
        Said(
            "The test call cannot be made now.",
            "There is no such modem, it has a call, or there is nobody to call.",
            "Give test_number under [trunk], or the numbers of two modems; try again when no call is up.",
        ),
    ),
    "RVX-G05": Entry(
        Said(
            "Ett modem är inte provat.",
            "Ingen har inom 30 dagar visat att samtal med ljud åt båda håll, och SMS, går med det och dess SIM-kort.",
            "rvx trunk status säger vad som saknas; rvx trunk test NAMN gör ett provsamtal.",
        ),
        Said(
            "A modem is not proved.",
            "Nobody has shown within 30 days that calls with sound both ways, and SMS, go by the modem and its SIM.",
            "rvx trunk status says what is missing; rvx trunk test NAME makes a test call.",
        ),
    ),
    "RVX-G06": Entry(
        Said(
            "En annan gateway står i telefonernas nät.",
            "Det som kommer från dess adress är gatewayens: det ringer utan lösenord. En telefon som har eller tar den"
            " adressen gör det också, och en gateway som även är telefon registreras inte.",
            "Ge gatewayen en adress utanför phone_networks under [network], eller skriv smalare nät där.",
        ),
        Said(
            "Another gateway stands in the phones' networks.",
            "What comes from its address is the gateway's: it rings without a password. So does a phone that has or"
            " takes that address, and a gateway that is also a phone is not registered.",
            "Give the gateway an address outside phone_networks of [network], or write narrower networks there.",
        ),
    ),
}
