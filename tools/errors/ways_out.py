"""RVX-G: emergency calls and other ways out."""

from tools.errors import Entry, Said

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
}
