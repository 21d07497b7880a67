"""The one snapshot: what it amounts to, which problems it shows, and that its JSON is what the schema says."""

import json
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import firmware
from firmware.modes import Cause, Mode, Reason
from firmware.modes import Path as Way
from firmware.problems import find_problems, with_problems
from firmware.status import Calls, Closed, Modem, Node, Phones, Problem, Severity, Status, Trunk, Web
from firmware.statusread import StatusError, read_status

SCHEMA = json.loads((Path(firmware.__file__).parent / "status.schema.json").read_text("utf-8"))
GOOD_DAY = Status(
    unit="gw-1",
    version="0.1.0",
    time="2026-11-22T00:41:09.000Z",
    started_at="2026-11-16T00:41:09.000Z",
    mode=Mode.NORMAL,
    path=Way.LINE,
    reason=Reason.SERVING,
    since="2026-11-16T00:41:12.000Z",
    in_mode_s=518397.0,
    hold_left_s=0.0,
    lease_left_s=9.2,
    edge=True,
    platform=True,
    gateway=True,
    nodes=(Node("sip:10.99.0.2:5060", Way.LINE, True, 2.0),),
    phones=Phones(registered=12, known=12, learnt=0, ready=12),
    calls=Calls(now=2, today=41, failed_today=0, diverted=3, messages=2),
    closed=(Closed("Norrby kommun", "night", True, "2026-11-24T07:00:00Z"), Closed("Bolaget", "lunch", False)),
)
DARK = Status(unit="gw-1", version="0.1.0", time="2026-11-22T00:41:09.000Z")
OUTAGE = replace(GOOD_DAY, mode=Mode.SURVIVAL, cause=Cause.UNKNOWN, reason=Reason.SILENT)


def faults(value: object, schema: dict[str, Any], at: str = "status") -> list[str]:
    """What in `value` is not as `schema` says; as much of JSON Schema as ours uses."""
    known = {"type", "enum", "const", "minimum", "pattern", "required", "properties", "items"}
    assert set(schema) <= known | {"$schema", "$id", "title", "description"}
    found = []
    kinds = schema.get("type", [])
    if kinds and not any(isinstance(value, _KINDS[kind]) for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        found.append(f"{at} is {value!r}")
    if isinstance(value, bool) and kinds and "boolean" not in kinds:
        found.append(f"{at} is {value!r}")
    if value not in schema.get("enum", [value]) or value != schema.get("const", value):
        found.append(f"{at} is {value!r}")
    if isinstance(value, int | float) and value < schema.get("minimum", value):
        found.append(f"{at} is {value!r}")
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        found.append(f"{at} is {value!r}")
    if isinstance(value, dict):
        properties = schema.get("properties", {})
        found += [f"{at} lacks {name}" for name in schema.get("required", []) if name not in value]
        found += [f"{at} has {name}" for name in value if name not in properties]
        for name, part in properties.items():
            found += faults(value[name], part, f"{at}.{name}") if name in value else []
    if isinstance(value, list):
        for item in value:
            found += faults(item, schema["items"], f"{at}[]")
    return found


_KINDS: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}


def as_json(status: Status) -> Any:
    return json.loads(json.dumps(status.to_json()))


@pytest.mark.parametrize(
    "status",
    [
        GOOD_DAY,
        DARK,
        OUTAGE,
        with_problems(OUTAGE),
        replace(OUTAGE, trunk=Trunk(True, (Modem("m", dbm=-71),)), place="Storgatan 1"),
        with_problems(replace(DARK, edge=False)),
        with_problems(replace(GOOD_DAY, web=Web(True, True, None, False))),
    ],
)
def test_json_is_what_the_schema_says(status: Status) -> None:
    assert faults(as_json(status), SCHEMA) == []


def test_schema_names_every_field_and_requires_it() -> None:
    assert set(SCHEMA["required"]) == set(SCHEMA["properties"])
    assert {field.name for field in fields(Status)} <= set(SCHEMA["properties"])
    described = SCHEMA["properties"]
    assert set(described["phones"]["properties"]) == {field.name for field in fields(Phones)}
    assert set(described["calls"]["properties"]) == {field.name for field in fields(Calls)}
    assert set(described["nodes"]["items"]["properties"]) == {field.name for field in fields(Node)}
    assert set(described["problems"]["items"]["properties"]) == {field.name for field in fields(Problem)}
    for name, words in {"mode": Mode, "path": Way, "cause": Cause, "reason": Reason}.items():
        assert SCHEMA["properties"][name]["enum"] == [*words, None]


def test_the_check_itself_finds_faults() -> None:
    good = as_json(GOOD_DAY)
    wrong = {"mode": "normal", "in_mode_s": "1", "edge": 1, "phones": {}, "new": 1, "lease_left_s": True, "schema": 2}
    assert all(faults(good | {name: value}, SCHEMA) for name, value in wrong.items())


@pytest.mark.parametrize(
    "status",
    [GOOD_DAY, DARK, with_problems(OUTAGE), replace(OUTAGE, trunk=Trunk(True, (Modem("m"),)), place="Storgatan 1")],
)
def test_json_is_read_as_it_was_written(status: Status) -> None:
    assert read_status(as_json(status)) == status


def test_what_is_unknown_is_null() -> None:
    said = as_json(DARK)
    facts = {"started_at", "mode", "path", "cause", "reason", "since", "in_mode_s", "hold_left_s", "lease_left_s"}
    assert all(said[name] is None for name in facts | {"edge", "platform", "gateway", "working", "protected"})
    assert set(said["phones"].values()) == set(said["calls"].values()) == {None}


def test_fields_and_words_of_a_later_version_are_passed_over() -> None:
    later = as_json(GOOD_DAY) | {"weather": {"wind": True}, "mode": "HIBERNATING", "reason": "bored"}
    assert read_status(later) == replace(GOOD_DAY, mode=None, reason=None)


@pytest.mark.parametrize(
    "odd",
    [
        *(
            None,
            [],
            {},
            {"schema": 2},
            {"schema": 1, "unit": 7},
            {"schema": 1, "nodes": {}},
            {"schema": 1, "phones": [1]},
        ),
        *({"schema": 1, "edge": 1}, {"schema": 1, "in_mode_s": True}, {"schema": 1, "problems": [3]}),
    ],
)
def test_what_is_no_status_is_refused(odd: object) -> None:
    with pytest.raises(StatusError):
        read_status(odd)


NAMES = st.sampled_from(sorted(set(SCHEMA["properties"]) - {"schema"}))
SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
ANY_JSON = st.recursive(SCALARS, lambda x: st.lists(x) | st.dictionaries(NAMES, x), max_leaves=8)


@given(st.dictionaries(NAMES, ANY_JSON))
def test_reading_raises_nothing_but_its_own_error(odd: dict[str, Any]) -> None:
    try:
        status = read_status({"schema": 1, **odd})
    except StatusError:
        return
    assert as_json(status)["schema"] == 1


def modems(*services: str, card: str = "green") -> Trunk:
    made = (
        Modem(f"m{n}", service, "+46701234567", "Telia", "lte", -71, None, card) for n, service in enumerate(services)
    )
    return Trunk(process=True, modems=tuple(made))


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({}, "working_protected"),
        ({"mode": Mode.SUSPECT}, "working_protected"),
        ({"phones": Phones(registered=12, ready=11)}, "working_not_protected"),
        ({"phones": Phones(registered=12)}, "working_unknown"),
        ({"phones": Phones(registered=0, ready=0)}, "working_unknown"),
        ({"mode": None}, "working_unknown"),
        ({"mode": Mode.RETURNING}, "returning_protected"),
        ({"mode": Mode.SURVIVAL}, "survival_way_out"),
        ({"mode": Mode.SURVIVAL, "gateway": False}, "survival_no_way_out"),
        ({"mode": Mode.SURVIVAL, "gateway": None}, "survival"),
        ({"mode": Mode.SURVIVAL, "gateway": False, "trunk": modems("voice", "away")}, "survival_way_out"),
        ({"mode": Mode.SURVIVAL, "gateway": False, "trunk": modems("none", "away")}, "survival_no_way_out"),
        ({"mode": Mode.SURVIVAL, "gateway": False, "trunk": modems("emergency_only")}, "survival_no_way_out"),
        ({"mode": Mode.SURVIVAL, "gateway": False, "trunk": modems("none", "unknown")}, "survival"),
        ({"mode": Mode.SURVIVAL, "gateway": False, "trunk": Trunk()}, "survival"),
        ({"mode": Mode.SURVIVAL, "gateway": False, "trunk": Trunk(process=False)}, "survival_no_way_out"),
        ({"mode": Mode.SURVIVAL, "trunk": Trunk(process=False)}, "survival_way_out"),
        ({"edge": False}, "not_working"),
        ({"edge": None}, "unknown"),
    ],
)
def test_verdict(change: dict[str, Any], verdict: str) -> None:
    assert replace(GOOD_DAY, **change).verdict == verdict
    assert verdict in SCHEMA["properties"]["verdict"]["enum"]


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        ({}, []),
        ({"mode": Mode.SURVIVAL, "cause": Cause.UNKNOWN, "reason": Reason.SILENT}, ["RVX-L01"]),
        ({"mode": Mode.SURVIVAL, "cause": Cause.UNKNOWN, "reason": Reason.SERVING}, ["RVX-L05"]),
        ({"mode": Mode.SURVIVAL, "cause": Cause.LINE, "reason": Reason.NO_CARRIER}, ["RVX-L02"]),
        ({"mode": Mode.SURVIVAL, "cause": Cause.DRILL, "reason": Reason.DRILL}, []),
        ({"mode": Mode.SURVIVAL, "cause": Cause.UNIT, "reason": Reason.NO_PLATFORM, "platform": False}, []),
        ({"mode": Mode.SUSPECT, "in_mode_s": 10.0}, []),
        ({"mode": Mode.SUSPECT, "in_mode_s": 100.0}, ["RVX-L03"]),
        ({"nodes": (Node("sip:a", Way.LINE, True), Node("sip:b", Way.LINE, False))}, ["RVX-L01"]),
        ({"phones": Phones(registered=0, known=12)}, ["RVX-P01"]),
        ({"phones": Phones(registered=11, known=12, ready=11)}, ["RVX-P02"]),
        ({"phones": Phones(registered=12, known=11, ready=11)}, ["RVX-P03"]),
        ({"lease_left_s": -3.0}, ["RVX-S02"]),
        ({"gateway": False}, ["RVX-G01"]),
        ({"gateway": False, "lease_left_s": -1.0}, ["RVX-S02", "RVX-G01"]),
        ({"edge": False, "mode": None, "gateway": False, "lease_left_s": -1.0}, ["RVX-E01"]),
        ({"edge": None}, []),
        ({"gateway": False, "trunk": Trunk()}, []),
        ({"gateway": False, "trunk": Trunk(process=False)}, ["RVX-G03"]),
        ({"gateway": False, "trunk": modems("voice", card="red")}, ["RVX-G05"]),
        ({"gateway": False, "trunk": modems("voice", card="yellow")}, []),
    ],
)
def test_problems(change: dict[str, Any], problems: list[str]) -> None:
    found = find_problems(replace(GOOD_DAY, **change))
    assert [problem.id for problem in found] == problems
    for problem in found:
        assert all((problem.observed, problem.expected, problem.effect, problem.fix, problem.area))


def test_an_outage_is_a_failure_and_a_lesser_want_a_warning() -> None:
    assert with_problems(OUTAGE).problems[0].severity is Severity.FAIL
    assert with_problems(replace(GOOD_DAY, gateway=False)).problems[0].severity is Severity.WARN


def test_nothing_is_said_of_what_is_not_known() -> None:
    assert find_problems(DARK) == ()
