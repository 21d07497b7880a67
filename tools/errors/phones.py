"""RVX-P: the phones."""

from tools.errors import UNKNOWN, Entry, Said

__all__ = ["ENTRIES"]

ENTRIES = {
    "RVX-P01": Entry(
        Said(
            "Ingen telefon är registrerad.",
            "Telefonerna är inte inställda på växelns adress, eller deras lösenord godtas inte.",
            "Ge telefonerna växelns adress som proxy, och kontrollera lösenordet med rvx extension list.",
        ),
        Said(
            "No phone is registered.",
            "The phones do not have the unit's address, or their secrets are not accepted.",
            "Give the phones the unit's address as proxy, and look at their secrets by rvx extension list.",
        ),
    ),
    "RVX-P02": Entry(
        Said(
            "Färre telefoner än kända är registrerade.",
            "En telefon är avstängd, urkopplad eller har fel lösenord.",
            "Se vilka som saknas i rvx status --json; börja med strömmen till dem.",
        ),
        Said(
            "Fewer phones are registered than are known.",
            "A phone is turned off, unplugged or has a wrong secret.",
            "See which are missing in rvx status --json; begin with their power.",
        ),
    ),
    "RVX-P03": Entry(
        Said(
            "Telefoner är inloggade som växeln inte själv kan släppa in.",
            "De har inget lösenord här, och har inte setts hos plattformen så länge som learnt_after_s.",
            "Ge dem lösenord med rvx extension add eller import; annars tystnar de när plattformen försvinner.",
        ),
        Said(
            "Phones are registered that the unit cannot let in by itself.",
            "They have no secret here, and the platform has not been seen to accept them for learnt_after_s.",
            "Give them secrets by rvx extension add or import; else they fall silent when the platform is gone.",
        ),
    ),
    "RVX-P04": Entry(
        Said(
            "Plattformen godtar inte en telefons lösenord, och telefonen hålls därför borta från den.",
            "Telefonen har fel lösenord. Många fel svar skulle få plattformen att stänga ute hela huset.",
            "Ge telefonen rätt lösenord och starta om den; den prövas igen inom 10 minuter. 112 går fram hela tiden.",
        ),
        Said(
            "The platform does not take a phone's password, so the phone is kept from it.",
            "The phone has a wrong password. Many wrong answers would make the platform shut out the whole house.",
            "Give the phone its right password and restart it; it is tried again within 10 minutes. 112 works.",
        ),
        UNKNOWN,
    ),
    "RVX-P05": Entry(
        Said(
            "En telefon eller dator sänder för mycket.",
            "Den är trasig, felinställd eller angriper; den hörs inte förrän spärren löper ut, men 112 hörs alltid.",
            "Finn den med adress och port i meddelandet, och ta den från nätet.",
        ),
        Said(
            "A phone or computer sends too much.",
            "It is broken, wrongly set or attacking; it is not heard until its ban expires, but 112 always is.",
            "Find it by the address and port in the message, and take it off the network.",
        ),
        UNKNOWN,
    ),
}
