"""The certificate of the pages: the site's, or one of the unit's own CA."""

from __future__ import annotations

import ssl
from pathlib import Path

from firmware import certificate
from firmware.certificate import CertificateError
from firmware.config import Config

__all__ = ["tls_of"]

NOBODYS_ADDRESS = "0.0.0.0"  # noqa: S104  all of this machine's, which a certificate cannot name


def tls_of(config: Config) -> ssl.SSLContext:
    """Blocks. Raises CertificateError."""
    web, paths = config.web, config.paths
    place, key_place = paths.ca.with_name("web.pem"), paths.ca.with_name("web.key")
    place.parent.mkdir(parents=True, exist_ok=True)
    if web.certificate:
        certificate.install(Path(web.certificate), Path(web.key), place, key_place)
    else:
        certificate.make_ca(config.unit.name, paths.ca, paths.ca_key)
        addresses = frozenset(one.address for one in web.places) - {NOBODYS_ADDRESS}
        name = web.name or config.unit.name
        certificate.make(name, addresses or frozenset({"127.0.0.1"}), paths.ca, paths.ca_key, place, key_place)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(place, key_place)
    except (OSError, ssl.SSLError) as error:
        raise CertificateError(f"{place}: {error}") from error
    return context
