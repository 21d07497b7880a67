"""RVX-M: the sound of calls."""

from tools.errors import Entry, Said

__all__ = ["ENTRIES"]

ENTRIES = {
    "RVX-M01": Entry(
        Said(
            "Plattformen leder samtalens ljud genom sig.",
            "Dess inställning för intern media är så, eller så finns telefonerna bakom adressöversättning.",
            "Be plattformens skötare om direkt media i huset; annars tystnar pågående samtal när den faller.",
        ),
        Said(
            "The platform leads the sound of calls through itself.",
            "It is set up so, or it takes the phones to be behind address translation.",
            "Ask who runs it for direct media inside the house; else calls that are up fall silent when it fails.",
        ),
    ),
}
