"""The configuration of power: what is taken, and what cannot be."""

from pathlib import Path

import pytest

from drivers.ups.upsmib import UpsMib
from firmware.config import ConfigError, Problem, load
from firmware.config_ups import nut_of
from firmware.power.opening import open_source

LEAST = '[unit]\nname = "gw-1"\n[edge]\nlisten = ["udp:10.0.0.1:5060"]\n'
UPS = '[[ups]]\nname = "ups"\nkind = "nut"\nurl = "nut://monitor@10.0.0.9:3494/hall"\nkeeps = ["unit", "switch"]\n'
GAUGE = '[[ups]]\nname = "hat"\nkind = "max1704x"\n'
CURRENT = '[[ups]]\nname = "amps"\nkind = "ina219"\nbattery_of = "hat"\n'
LINE, DUE = '[[ups]]\nname = "line"\nkind = "line"\npin = 5\n', "discharge_days = 90\n"
WIFI = '[[load]]\nname = "wifi"\nkind = "wifi"\nwhat = "wlan0"\nat_minutes = 60\n'
POE = '[poe]\naddress = "10.0.0.3"\nuser = "rvx"\nswitching = "yes"\n'
PHONES = '[[load]]\nname = "poe-{port}"\nkind = "poe"\nports = ["1.{port}"]\nrole = "{role}"\nat_minutes = {at}\n'
MODEM = '[[modem]]\nname = "m1"\nusb_path = "1-1"\n'
RELAY = '[[load]]\nname = "sign"\nkind = "relay"\nwhat = "relay_1"\nat_minutes = 60\n'
BOX = '[[reach]]\nwhat = "router"\naddress = "10.0.0.254"\n'
SHEDS_MODEM = '[[load]]\nname = "m"\nkind = "modem"\nwhat = "m1"\nat_minutes = 60\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "unit.toml"


def problems(file: Path, content: str, secrets: str = "") -> tuple[Problem, ...]:
    file.write_text(content)
    beside = file.with_name("secrets.toml")
    beside.write_text(secrets)
    beside.chmod(0o600)
    try:
        load(file)
    except ConfigError as error:
        return error.problems
    return ()


SNMP = '[[ups]]\nname = "fibre"\nkind = "snmp"\nurl = "snmp://unit@10.0.0.9:1161"\nkeeps = ["fibre"]\n'
SNMP_KEYS = '[snmp]\nauth_passwords = ["fibre=a2345678"]\nprivacy_passwords = ["fibre=b2345678"]\n'


def test_a_ups_by_snmp_has_two_passwords_that_nobody_sees(file: Path) -> None:
    assert problems(file, LEAST + SNMP, SNMP_KEYS) == ()
    config = load(file)
    assert isinstance(open_source(config, config.ups[0]), UpsMib)
    assert not {"a2345678", "b2345678"} & set(repr(config).replace("'", " ").replace("=", " ").split())
    for wrong, secrets, where in (
        (SNMP, SNMP_KEYS.replace("b2345678", "short"), "snmp.privacy_passwords"),
        (SNMP.replace("fibre", "router"), SNMP_KEYS, "snmp.auth_passwords"),
        (SNMP.replace("10.0.0.9", "10.0.0.999"), SNMP_KEYS, "ups.1.url"),
        (SNMP.replace("snmp://unit@", "snmp://"), SNMP_KEYS, "ups.1.url"),
        (SNMP.replace('"snmp"', '"nut"'), SNMP_KEYS, "ups.1.url"),
        (SNMP.replace('"snmp://unit@10.0.0.9:1161"', '"nut://10.0.0.9/x"'), SNMP_KEYS, "ups.1.url"),
        (SNMP + 'auth = "md5"\n', SNMP_KEYS, "ups.1.auth"),
    ):
        assert where in {problem.key for problem in problems(file, LEAST + wrong, secrets)}, wrong


def test_sources_and_loads(file: Path) -> None:
    secrets = '[nut]\npasswords = ["ups=horse"]\n[poe]\nauth_password = "a2345678"\nprivacy_password = "b2345678"\n'
    phones = PHONES.format(role="reception", port=1, at=20) + PHONES.format(role="on_call", port=2, at=20)
    assert problems(file, LEAST + UPS + GAUGE + CURRENT + WIFI + POE + BOX + RELAY + phones, secrets) == ()
    config = load(file)
    assert [(one.name, one.keeps) for one in config.ups] == [
        ("ups", ("unit", "switch")),
        ("hat", ("unit",)),
        ("amps", ("unit",)),
    ]
    assert config.secrets.nut.of("ups") == "horse"
    assert config.load[0].what == "wlan0"
    assert not {"horse", "a2345678", "b2345678"} & set(repr(config).replace("'", " ").split())


@pytest.mark.parametrize(
    ("content", "key", "message"),
    [
        (UPS + UPS, "ups.2.name", "ups is there twice"),
        (UPS.replace("nut://", "http://"), "ups.1.url", "is not so written"),
        (UPS.replace(":3494", ":99999"), "ups.1.url", "is not so written"),
        (UPS.replace('url = "nut://monitor@10.0.0.9:3494/hall"\n', ""), "ups.1.url", "is missing"),
        (UPS.replace('"switch"', '"lamp"'), "ups.1.keeps", "is none of them"),
        (GAUGE + GAUGE.replace("hat", "hat2"), "ups.2.address", "0x36 is there twice on bus 1"),
        (WIFI.replace("wlan0", "../x"), "load.1.what", "is not so written"),
        (WIFI.replace("60", "0"), "load.1.at_minutes", "out of bounds"),
        (WIFI + 'role = "reception"\n', "load.1.ports", "only poe has ports and roles"),
        (PHONES.format(role="rest", port=1, at=30), "load.1.ports", "cannot be turned off"),
        (SHEDS_MODEM, "load.1.what", "there is no modem"),
        (BOX + BOX, "reach.2.what", "router is there twice"),
        (BOX.replace("router", "unit"), "reach.1.what", "is none of them"),
        (BOX.replace("10.0.0.254", "127.0.0.1"), "reach.1.address", "another machine can send to"),
        (WIFI.replace('"wifi"', '"protected"', 1), "load.1.name", "are called together"),
        (RELAY.replace("relay_1", "relay_3"), "load.1.what", "no relay of the board"),
        (RELAY + RELAY.replace("sign", "lamp"), "load.2.what", "is there twice"),
        (GAUGE + CURRENT.replace('hat"\n', 'other"\n'), "ups.2.battery_of", "is no such gauge"),
        (GAUGE + CURRENT + 'keeps = ["switch"]\n', "ups.2.battery_of", "is no such gauge"),
        (UPS + DUE, "ups.1.discharge_days", "nobody else tells of the mains"),
        (UPS + DUE + GAUGE, "ups.1.discharge_days", "nobody else tells of the mains"),
        (UPS.replace("monitor@", "") + DUE + LINE, "ups.1.discharge_days", "needs a UPS that takes orders"),
        (LINE + DUE, "ups.1.discharge_days", "needs a UPS that takes orders"),
        (MODEM + SHEDS_MODEM, "load", "every modem would be shed"),
        ("[power]\nhalt_minutes = 20\n", "power.halt_minutes", "would halt before its battery is low"),
        (POE, "poe.user", "there is no way to read the switch"),
    ],
)
def test_what_cannot_be(file: Path, content: str, key: str, message: str) -> None:
    (problem,) = problems(file, LEAST + content)
    assert problem.key == key
    assert message in problem.message


def test_a_battery_is_discharged_on_purpose_beside_a_line(file: Path) -> None:
    assert problems(file, LEAST + UPS + DUE + LINE) == ()
    without = UPS.replace('url = "nut://monitor@10.0.0.9:3494/hall"\n', "")
    assert {problem.key for problem in problems(file, LEAST + without + DUE + LINE)} == {
        "ups.1.url",
        "ups.1.discharge_days",
    }


def test_phones_of_the_reception_are_not_shed_before_lesser_ones(file: Path) -> None:
    secrets = '[poe]\nauth_password = "a2345678"\nprivacy_password = "b2345678"\n'
    content = LEAST + POE + PHONES.format(role="rest", port=1, at=20) + PHONES.format(role="emergency", port=2, at=30)
    (problem,) = problems(file, content, secrets)
    assert (problem.key, problem.expected) == ("load.2.at_minutes", "20 or fewer")


def test_a_password_for_nobody_is_refused_and_not_repeated(file: Path) -> None:
    (problem,) = problems(file, LEAST + UPS, '[nut]\npasswords = ["other=horse"]\n')
    assert problem.key == "nut.passwords"
    assert "horse" not in str(problem)


def test_where_a_ups_is() -> None:
    found = nut_of("nut://192.0.2.1/hall")
    assert (found.ups, found.host, found.port, found.user) == ("hall", "192.0.2.1", 3493, "")
