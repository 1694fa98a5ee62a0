from __future__ import annotations

import pickle

import pytest

from tunesmith.checks.known import KNOWN, SOURCES, CheckPlan, CheckSettings, build, chosen
from tunesmith.checks.leakage import LeakageConfig, ReferenceText, index
from tunesmith.core.errors import ConfigError
from tunesmith.desk.weights import shipped_base


def test_every_check_has_settings_a_source_and_can_be_built_from_a_plan() -> None:
    assert list(KNOWN) == list(SOURCES) and set(KNOWN) == set(CheckSettings.model_fields)
    reference = index([ReferenceText("test.jsonl:1", "Who wrote the letter to Ann?")], LeakageConfig())
    whole = CheckPlan(tuple(KNOWN), CheckSettings().model_dump_json(), str(shipped_base()), 64, reference=reference)
    plan = pickle.loads(pickle.dumps(whole))
    assert plan == whole and hash(plan) == hash(whole), "a worker must know the plan again, or it builds all anew"
    assert [check.name for check in build(plan)] == list(KNOWN)
    assert all(check.source for check in build(plan))


def test_names_are_taken_in_the_order_of_the_report() -> None:
    assert chosen(("noise", "broken")) == ("broken", "noise")
    assert chosen((), against=True) == tuple(KNOWN)
    assert set(KNOWN) - set(chosen(())) == {"leakage"}
    with pytest.raises(ConfigError, match=r"unknown check 'noize'.*noise"):
        chosen(("noize",))


def test_leakage_and_reference_files_need_each_other() -> None:
    with pytest.raises(ConfigError, match="leakage needs reference files"):
        chosen(("leakage",))
    with pytest.raises(ConfigError, match="--against needs the leakage check"):
        chosen(("noise",), against=True)
    assert chosen(("leakage",), against=True) == ("leakage",)
