from __future__ import annotations

from tunesmith.cli.doctor import _line, fit_lines

from .shell import Shell


def test_reports_facts_of_this_machine(shell: Shell) -> None:
    ran = shell("doctor", "--json")
    body = ran.json
    assert body["cores"] >= 1 and body["gflops"]["fp32"] > 0 and body["packages"]["torch"]
    assert ran.code == (5 if any(f["level"] == "red" for f in body["findings"]) else 0)
    assert body["fits"].keys() == {"full_training", "lora", "serving"}
    assert body["next"].startswith("tunesmith quickstart")


def test_red_lines_are_red_on_a_terminal_only() -> None:
    finding = {"level": "red", "what": "no disk", "remedy": "free some"}
    assert _line(finding, colours=False) == "RED: no disk. Free some."
    assert _line(finding, colours=True).startswith("\x1b[31mRED")


def test_what_does_not_fit_is_said() -> None:
    assert fit_lines({"full_training": "30M", "lora": None}) == [
        "full training: up to 30M parameters fit",
        "lora: up to nothing parameters fit",
    ]
