from __future__ import annotations

import io

from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.surroundings import Surroundings


def console(**switches: bool) -> Console:
    return Console(Surroundings(io.StringIO(), io.StringIO(), {}, lambda _: None), "v", **switches)


def shown(one: Console) -> tuple[str, str]:
    assert isinstance(one.surroundings.stdout, io.StringIO) and isinstance(one.surroundings.stderr, io.StringIO)
    return one.surroundings.stdout.getvalue(), one.surroundings.stderr.getvalue()


def test_quiet_silences_the_log_but_no_warning() -> None:
    one = console(quiet=True)
    one.log("progress")
    one.warn("a row was set aside")
    assert shown(one) == ("", "a row was set aside\n")


def test_with_json_replies_wait_for_the_object() -> None:
    one = console(json=True)
    one.write("reply")
    one.finish(Outcome(summary={"a": 1}))
    assert shown(one) == ('{"verb": "v", "a": 1}\n', "")


def test_an_outcome_without_anything_prints_nothing() -> None:
    one = console()
    one.finish(Outcome())
    assert shown(one) == ("", "")
