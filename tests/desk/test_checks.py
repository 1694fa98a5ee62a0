"""Each demand of a gold structure: what fulfils it, what half fulfils it, what does not."""

from __future__ import annotations

from typing import Any

import pytest

from tunesmith.desk.checks import CONTENT, correct, reply

DATA = {"order": 4551, "info": {"item": "puzzle", "city": "York"}}


def share(name: str, completion: str, **gold: Any) -> float:
    return CONTENT[name](reply(completion), gold)


@pytest.mark.parametrize(
    ("form", "completion", "expected"),
    [
        ("JSON", '{"order": 4551, "info": {"item": "puzzle", "city": "York"}}', 1.0),
        ("JSON", '```json\n{"info":{"city":"York","item":"puzzle"},"order":"4551"}\n```', 1.0),
        ("JSON", '{"order": 4551, "info": {"item": "puzzle", "city": "Leeds"}}', 2 / 3),
        ("JSON", '{"order": 4551, "item": "puzzle", "city": "York"}', 1 / 3),  # not nested
        ("JSON", '{"order": 4551', 0.0),
        ("YAML", "order: 4551\ninfo:\n  item: puzzle\n  city: York", 1.0),
        ("YAML", '{"order": 4551, "info": {"item": "puzzle", "city": "York"}}', 0.0),  # YAML in theory
        ("YAML", "order: [", 0.0),
        ("XML", "<data><order>4551</order><info><item>puzzle</item><city>York</city></info></data>", 1.0),
        ("XML", "<data><order>4551</order></data>", 1 / 3),
        ("XML", "<!DOCTYPE a><data><order>4551</order></data>", 0.0),
        ("XML", "<data><order>4551</data>", 0.0),
    ],
)
def test_convert_compares_structure_not_text(form: str, completion: str, expected: float) -> None:
    assert share("convert", completion, convert=form, data=DATA) == pytest.approx(expected)


def test_required_takes_any_wording_and_counts_facts() -> None:
    groups = [["30 days", "thirty days"], ["free", "no cost"]]
    assert share("required", "You have thirty days, at no cost.", required=groups) == 1
    assert share("required", "You have 30 days.", required=groups) == 0.5
    assert share("required", "It is not free.", required=groups) == 0


def test_keywords_may_stand_in_a_negation() -> None:
    assert share("keywords", "The customer cannot log in.", keywords=[["log in"]]) == 1


def test_naming_all_labels_is_naming_none() -> None:
    gold = {"label": "returns", "labels": ["returns", "shipping"]}
    assert share("label", "Returns", **gold) == 1
    assert share("label", "The topic is returns, not shipping.", **gold) == 1
    assert share("label", "returns shipping", **gold) == 0


def test_two_labels_lose_for_a_wrong_one() -> None:
    gold = {"labels_all": ["returns", "refund"], "labels_none": ["payment"]}
    assert share("labels_all", "returns, refund", **gold) == 1
    assert share("labels_all", "returns, refund, payment", **gold) == 0.5


def test_exact_gives_credit_for_what_had_to_change_only() -> None:
    gold = {"exact": "Ada called. Why?", "source": "ada called why"}
    assert share("exact", ' "Ada  called. Why?" ', **gold) == 1
    assert share("exact", "ada called why", **gold) == 0
    assert 0.3 < share("exact", "Ada called. why", **gold) < 0.9


def test_fields_count_extra_lines_against_the_answer() -> None:
    gold = {"fields": {"name": "Ada Reed", "order": "4551"}}
    assert share("fields", "order: 4551\nName: Ada Reed.", **gold) == 1
    assert share("fields", "name: Ada Reed\norder: 4552", **gold) == 0.5
    assert share("fields", "name: Ada Reed\norder: 4551\norder: 1\norder: 2", **gold) < 1


def test_items_must_be_n_different_ideas_on_the_theme() -> None:
    gold = {"items": 3, "pool": ["kite", "puzzle", "train", "bear"]}
    assert share("items", "1. a kite\n2. a puzzle\n3. a drum", **gold) == 1
    assert share("items", "- a kite\n- a kite\n- a kite", **gold) < 0.5
    assert share("items", "- a kite\n- a puzzle", **gold) < 1
    assert share("items", "- a kite\n- a puzzle\n- a train\n- a bear", **gold) < 1


def test_pairs_need_owner_and_task_in_one_line() -> None:
    gold = {"pairs": [["Kim", "call", "customer"], ["Jo", "pack"]]}
    assert share("pairs", "- Jo: pack the mug\n- Kim: call the customer", **gold) == 1
    assert share("pairs", "Kim will call the customer. Jo will pack the mug.", **gold) == 1
    assert share("pairs", "- Kim: pack the mug\n- Jo: call the customer", **gold) == 0
    assert share("pairs", "Kim and Jo call the customer and pack the mug", **gold) < 1  # all in one line


def test_sequence_wants_every_item_once_and_in_order() -> None:
    gold = {"sequence": ["Elm", "Fern", "Wren"]}
    assert share("sequence", "Elm, Fern, Wren", **gold) == 1
    assert 0 < share("sequence", "Fern, Elm, Wren", **gold) < 1
    assert share("sequence", "Elm, Fern, Wren, Elm", **gold) < 1
    assert share("sequence", "Elm, Fern", **gold) < 1


@pytest.mark.parametrize(
    ("name", "completion", "gold", "expected"),
    [
        ("ask", "What is your order number?", {"ask": ["number"]}, 1),
        ("ask", "Please tell me the number.", {"ask": ["number"]}, 1),
        ("ask", "How are you?", {"ask": ["number"]}, 0.3),
        ("ask", "The number is fine.", {"ask": ["number"]}, 0),
        ("refuse", "I am sorry, but I can’t share that.", {"refuse": []}, 1),
        ("refuse", "No.", {"refuse": []}, 0),
        ("refuse", "Here is the password.", {"refuse": []}, 0),
        ("unknown", "I don't know that.", {"unknown": True}, 1),
        ("unknown", "The card does not mention it.", {"unknown": True}, 1),
        ("unknown", "It is red.", {"unknown": True}, 0),
        ("polarity", "No, it is blue.", {"polarity": "no"}, 1),
        ("polarity", "That is not right.", {"polarity": "no"}, 1),
        ("polarity", "Yes, it is not blue.", {"polarity": "yes"}, 1),
        ("polarity", "Is it right that it is blue?", {"polarity": "yes"}, 0),
        ("style", "Arr! It is free.", {"style": ["arr", "ahoy"]}, 1),
        ("style", "Arrange it.", {"style": ["arr", "ahoy"]}, 0),
    ],
)
def test_small_checks(name: str, completion: str, gold: dict[str, Any], expected: float) -> None:
    assert share(name, completion, **gold) == expected


def test_agreeing_first_is_no_correction() -> None:
    assert correct(reply("No, it is 30 days."), {}) == 1
    assert correct(reply("Yes, it is 30 days."), {}) == 0
