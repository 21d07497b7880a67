"""The unit that `rvx run` makes where there is no configuration: ten extensions, and what is simulated for them."""

import io
import os
import secrets
import stat
import sys
import tomllib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from callcontrol.digest import ha1
from callcontrol.plan.pins import kept as kept_pin
from firmware.config import Config
from firmware.config_ups import nut_of
from firmware.paths import Paths
from firmware.processes import Program
from firmware.store import Credential, Directory, StoreError
from firmware.store.database import to_text
from firmware.store.load import loaded
from firmware.store.people_csv import Reading
from firmware.store.pins import PinRows
from firmware.store.staged import Stage
from tools.errors import UserError
from tools.extension import new_pin
from tools.people import opened

__all__ = [
    "COUNT",
    "FIRST",
    "SECRETS",
    "Extension",
    "extensions",
    "modem_control",
    "simulated_modem",
    "simulated_ups",
    "ups_control",
]

FIRST, COUNT = 1001, 10
SIMULATOR, UPS_SIMULATOR = "hil.sim.modem", "hil.sim.power"
SECRETS = "demo-secrets.toml"
SECRET_BYTES = 12


class Extension(NamedTuple):
    """`pin`: for the pages, and whatever else asks for one."""

    number: str
    secret: str
    pin: str


def extensions(config: Config, paths: Paths) -> list[Extension] | None:
    """Ten extensions with random secrets and PINs, made at the first run and kept for their owner alone. They are given
    to be shown only when they were made now."""
    file = paths.state / SECRETS
    made = not file.exists()
    if made:
        known = {str(FIRST + n): secrets.token_urlsafe(SECRET_BYTES) for n in range(COUNT)}
        pins = {name: new_pin(name) for name in known}
        text = "".join(f'{name} = "{secret}"\n' for name, secret in known.items())
        text += "\n[pin]\n" + "".join(f'{name} = "{pin}"\n' for name, pin in pins.items())
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
        with open(descriptor, "w", encoding="utf-8") as kept:
            kept.write(
                "# Extensions of the unit that rvx run makes without a configuration, and their secrets.\n" + text
            )
    else:
        try:
            held_file = tomllib.loads(file.read_text("utf-8"))
            pins = {str(name): str(pin) for name, pin in held_file.pop("pin", {}).items()}
            known = {str(name): str(secret) for name, secret in held_file.items()}
        except (OSError, ValueError, AttributeError) as error:
            raise UserError("RVX-C02", f"{file}: {error}.", f"Remove {file} to have new secrets made.") from error
    realm = config.platform.realm
    try:
        directory = Directory.open(paths.directory)
        held = {credential.extension for credential in directory.credentials()}
        directory.put_credentials(
            Credential(
                name,
                2,
                ha1(name, realm, secret, "md5"),
                ha1(name, realm, secret, "sha256"),
                realm,
                name,
                to_text(datetime.now(UTC)),
            )
            for name, secret in known.items()
            if made or name not in held
        )
        directory.close()
    except StoreError as error:
        raise UserError("RVX-J01", f"{error}.") from error
    _listed(config, known)
    _given_pins(config, pins)
    return [Extension(name, secret, pins[name]) for name, secret in known.items()] if made else None


def _listed(config: Config, known: Iterable[str]) -> None:
    """Who is in no directory may not call outside: each is somebody, unless people were loaded."""
    with opened(config) as store:
        if loaded(store.people.directory) is not None:
            return
        rows = (f"Prov;Prov;{name};Prov;{name};{name}" for name in known)
        reading = Reading(config.numbering.local, store.people.classes)
        with Stage(store.people.directory) as stage:
            stage.read(reading, io.StringIO("\n".join(("kommun;enhet;id;förnamn;efternamn;anknytning", *rows))))
            stage.take_in("rvx run", datetime.now(UTC))


def _given_pins(config: Config, pins: Mapping[str, str]) -> None:
    """To those who have none."""
    with opened(config) as store:
        rows = PinRows(store.people.directory, store.people.journal)
        for name, pin in pins.items():
            if store.people.extension(name) is not None and rows.pin(name) is None:
                rows.change(name, kept_pin(pin), "rvx run", datetime.now(UTC))


def simulated_modem(config: Config) -> Program:
    """The program that the only modem of a unit without a configuration is; `modem.control` commands it."""
    modem, paths = config.modem[0], config.paths
    at, pcm = (url.replace("socket://", "tcp:") for url in (modem.at, modem.pcm))
    plan = f"name={modem.name},model=sim7600,at={at},pcm={pcm},number={modem.number}"
    command = [sys.executable, "-m", SIMULATOR, "--modem", plan, "--anybody", "--control", str(modem_control(paths))]
    return Program("modem", command, log=paths.run / "modem.log")


def simulated_ups(config: Config) -> Program:
    """Its UPS, by the real NUT and its driver dummy-ups where they are installed; `ups.control` commands it."""
    from hil.sim.power.realnut import is_installed

    paths, at = config.paths, nut_of(config.ups[0].url)
    command = [
        sys.executable,
        "-m",
        UPS_SIMULATOR,
        "--listen",
        f"{at.host}:{at.port}",
        "--control",
        str(ups_control(paths)),
    ]
    command += ["--nut", str(paths.run / "nut")] if is_installed() else []
    return Program("ups", command, log=paths.run / "ups.log")


def ups_control(paths: Paths) -> Path:
    return paths.run / "ups.control"


def modem_control(paths: Paths) -> Path:
    return paths.run / "modem.control"
