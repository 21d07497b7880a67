"""RVX-X: the pages."""

from tools.errors import Entry, Said

__all__ = ["ENTRIES"]

ENTRIES = {
    "RVX-X01": Entry(
        Said(
            "Sidorna är borta.",
            "Processen web är inte igång eller har hängt sig. Telefonerna märker inget av det.",
            "Se i dess logg varför; starta om den med rvx restart web.",
        ),
        Said(
            "The pages are gone.",
            "The process web does not run, or hangs. The phones do not notice.",
            "See in its log why; start it anew by rvx restart web.",
        ),
    ),
    "RVX-X02": Entry(
        Said(
            "Sidorna, eller telefonernas katalog, kan inte nås.",
            "Adress och port finns inte här eller är upptagna, eller så duger inte certifikatet; felet står i raden.",
            "Se över [web] listen, phones_listen, certificate och key; det prövas igen av sig självt.",
        ),
        Said(
            "The pages, or the phones' directory, cannot be had.",
            "Address and port are not of this machine, or taken, or the certificate does not do; the line says which.",
            "Look at [web] listen, phones_listen, certificate and key; it is tried again by itself.",
        ),
    ),
    "RVX-X03": Entry(
        Said(
            "Kommunens egen inloggning svarar inte.",
            "OpenID Connect-tjänsten nås inte, svarar fel, eller heter inte exakt som issuer.",
            "Se över [identity]; i loggen från web står vad som var fel. Anknytning och PIN-kod fungerar under tiden.",
        ),
        Said(
            "The municipality's own sign-in does not answer.",
            "The OpenID Connect provider is not reached, answers wrongly, or is not called just what issuer says.",
            "Look at [identity]; the log of web says what was wrong. Extension and PIN work meanwhile.",
        ),
    ),
}
