"""The made-up municipality and the questions about it: the same each time, whole, and nobody's numbers twice."""

from __future__ import annotations

from collections import Counter

import pytest

from callcontrol.plan.model import Kind
from firmware.store.load import Bulk
from hil.municipality import MUNICIPALITIES, generate
from hil.questions import KINDS, questions, typed

PEOPLE = 1_200


@pytest.fixture(scope="module")
def bulk() -> Bulk:
    return generate(PEOPLE)


def test_the_same_seed_makes_the_same(bulk: Bulk) -> None:
    assert generate(PEOPLE) == bulk
    assert generate(PEOPLE, seed=2).people != bulk.people


def test_it_is_whole(bulk: Bulk) -> None:
    people, extensions = list(bulk.people), list(bulk.extensions)
    units = {unit.id: unit.entity for unit in bulk.units}
    assert len(people) == len({person.id for person in people}) == PEOPLE
    assert {person.unit for person in people} == set(units)
    assert Counter(units[person.unit] for person in people).keys() == {entity.id for entity in bulk.entities}
    assert {one.person for one in extensions if one.person} == {person.id for person in people}
    assert len({one.number for one in extensions}) == len(extensions) == PEOPLE + len(MUNICIPALITIES)
    direct = [one.direct_number for one in extensions if one.direct_number]
    assert len(set(direct)) == len(direct)
    receptions = {one.number for one in extensions if one.kind is Kind.RECEPTION}
    assert {entity.reception for entity in bulk.entities} == receptions


def test_no_extension_is_an_emergency_number(bulk: Bulk) -> None:
    assert not [one.number for one in bulk.extensions if one.number.startswith("112")]


def test_questions_are_of_every_kind_and_have_an_answer(bulk: Bulk) -> None:
    people = tuple(bulk.people)
    asked = questions(people, tuple(bulk.units), tuple(bulk.extensions), 5 * len(KINDS))
    assert set(Counter(question.kind for question in asked)) == set(KINDS)
    again = questions(people, tuple(bulk.units), tuple(bulk.extensions), 5 * len(KINDS))
    assert [question.text for question in again] == [question.text for question in asked]
    for question in asked:
        answers = [person for person in people if question.right(person)]
        assert answers, question
        assert not all(person.protected for person in answers)


def test_what_stands_there_while_it_is_typed() -> None:
    assert list(typed("Anders")) == ["A", "And", "Ander"]
    assert list(typed("A")) == []
