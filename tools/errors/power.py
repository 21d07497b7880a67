"""RVX-W: power."""

from tools.errors import UNKNOWN, Entry, Said

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
    "RVX-W04": Entry(
        Said(
            "Strömmen är borta, och växeln går på batteri.",
            "Ett strömavbrott, en säkring, eller en stickpropp.",
            "rvx power status säger hur länge det säkert räcker, och vad som tar slut först.",
        ),
        Said(
            "Mains is gone, and the unit runs on battery.",
            "A power cut, a fuse, or a plug.",
            "rvx power status says how long it certainly lasts, and what ends first.",
        ),
    ),
    "RVX-W05": Entry(
        Said(
            "Batteriet är lågt.",
            "Strömmen har varit borta länge, eller batteriet håller mindre än det ska.",
            "Säg till dem som behöver telefonerna. Växeln stannar ordnat och startar själv när strömmen är tillbaka.",
        ),
        Said(
            "The battery is low.",
            "Mains has been gone for long, or the battery holds less than it should.",
            "Tell who needs the phones. The unit halts in order, and starts by itself when mains is back.",
        ),
    ),
    "RVX-W06": Entry(
        Said(
            "Växeln stannar: batteriet tar slut.",
            "Så lite är kvar att bara ett ordnat stopp hinns med; inget går förlorat.",
            "Ge den ström. Kommer den under stoppet startar växeln igen.",
        ),
        Said(
            "The unit halts: its battery is at its end.",
            "So little is left that there is only time for an orderly halt; nothing is lost.",
            "Bring mains back. If it comes during the halt, the unit starts again.",
        ),
    ),
    "RVX-W07": Entry(
        Said(
            "Det är inte känt om strömmen finns.",
            "Ingen källa svarar, eller ingen har svarat än.",
            "rvx power status visar vad varje källa saknar; [[ups]] i unit.toml säger var de är.",
        ),
        Said(
            "It is not known whether there is mains.",
            "No source answers, or none has yet.",
            "rvx power status shows what each source lacks; [[ups]] in unit.toml says where they are.",
        ),
    ),
    "RVX-W08": Entry(
        Said(
            "En strömkälla säger något som inte kan stämma.",
            "De andra källorna, eller batteriets egen spänning och ström, visar motsatsen.",
            "Se över kablar och mains_is (polaritet). rvx power test visar vad den säger när stickproppen dras.",
        ),
        Said(
            "A source of power says what cannot be.",
            "The other sources, or the battery's own volts and current, show the contrary.",
            "Look at cables and mains_is (polarity). rvx power test shows what it says when the plug is pulled.",
        ),
    ),
    "RVX-W09": Entry(
        Said(
            "En strömkälla svarar inte.",
            "Kabeln, drivrutinen, namnet eller rättigheten är fel.",
            "rvx power status säger ordet för felet; rvx power test läser varje källa en gång.",
        ),
        Said(
            "A source of power does not answer.",
            "Its cable, driver, name or right is wrong.",
            "rvx power status says the word of the fault; rvx power test reads each source once.",
        ),
    ),
    "RVX-W10": Entry(
        Said(
            "Något är avstängt för att batteriet ska räcka.",
            "Så få minuter är kvar som [[load]] anger.",
            "Inget: det kommer tillbaka när strömmen gör det. Ordningen ändras med at_minutes.",
        ),
        Said(
            "Something is switched off to make the battery last.",
            "As few minutes are left as [[load]] says.",
            "Nothing: it comes back when mains does. The order is changed by at_minutes.",
        ),
    ),
    "RVX-W11": Entry(
        Said(
            "Något kunde inte stängas av eller sättas på.",
            "Namnet i [[load]] finns inte, eller så saknas rätten att skriva i /sys eller att styra switchen.",
            "Se efter i unit.log vad som nekades.",
        ),
        Said(
            "Something could not be switched off, or on.",
            "The name in [[load]] is not there, or there is no right to write in /sys or to command the switch.",
            "See in unit.log what was refused.",
        ),
    ),
    "RVX-W12": Entry(
        Said(
            "Växelns process svarar inte, så läget är okänt.",
            "Den är inte igång, eller så är ingen strömkälla inställd ([[ups]]).",
            "Starta den med rvx run; ange källor i unit.toml.",
        ),
        Said(
            "The unit's process does not answer, so the state is not known.",
            "It is not running, or no source of power is configured ([[ups]]).",
            "Start it with rvx run; give sources in unit.toml.",
        ),
        UNKNOWN,
    ),
    "RVX-W13": Entry(
        Said(
            "En låda som [[reach]] anger svarar inte.",
            "Den har ingen ström, kabeln till den är ur, eller så svarar den aldrig på ping.",
            "Se efter om den lyser. En låda som aldrig svarar på ping hör inte hemma i [[reach]].",
        ),
        Said(
            "A box of [[reach]] does not answer.",
            "It has no power, its cable is out, or it never answers a ping.",
            "See whether it is lit. A box that never answers pings does not belong in [[reach]].",
        ),
    ),
    "RVX-W14": Entry(
        Said(
            "Ett strömavbrott har visat att en strömkälla är inställd tvärtom, eller inte är ansluten.",
            "Inställningen mains_is (ledningen) eller out_is_positive (INA219) är fel, eller så är stiftet ett annat.",
            "rvx power status visar den inställning som avbrottet visade (proved). Sätt den i unit.toml.",
        ),
        Said(
            "A power cut has shown that a source is set the wrong way round, or is not connected.",
            "The setting mains_is (the line) or out_is_positive (INA219) is wrong, or it is another pin.",
            "rvx power status has the setting that the cut has shown (proved). Set it in unit.toml.",
        ),
    ),
    "RVX-W15": Entry(
        Said(
            "Ett batteri är slitet.",
            "Dess urladdningar visar att det rymmer mindre än 70 % av vad det rymde när det först lärdes.",
            "Byt batteriet. Siffran är det gamlas tills en urladdning har lärt upp det nya.",
        ),
        Said(
            "A battery is worn.",
            "Its discharges show that it holds less than 70 % of what it held when it was first learnt.",
            "Change it. The figure is the old one's until a discharge has taught the new one's.",
        ),
    ),
}
