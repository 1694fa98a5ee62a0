from __future__ import annotations

from pathlib import Path

from tunesmith.cli.surroundings import load_recipe

from .shell import Shell


def real_shell() -> Shell:
    return Shell(recipes={"sft": load_recipe("sft"), "ppo": load_recipe("ppo")})


def test_a_dry_run_checks_everything_and_makes_nothing(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text("over:\n  learning_rate: [1e-4, 1e-3]\ntrials: 7\nsampler: grid\n")
    words = ("sweep", "sft", "--out", tmp_path / "s", "--dry-run", "--json")
    ran = real_shell()(*words, "--over", "max_steps=1..3", "--plan", plan, "--set", "seed=4")
    assert ran.code == 0, ran.err
    assert ran.json["trials"] == 3 and ran.json["over"] == ["max_steps"]  # a flag replaces the file's
    assert real_shell()(*words, "--plan", plan).json["trials"] == 2
    assert real_shell()(*words, "--preset", "guide").json["trials"] == 20
    assert not (tmp_path / "s").exists()


def test_what_is_wrong_is_said_before_anything_starts(tmp_path: Path) -> None:
    shell = real_shell()
    for words, says in (
        (("--over", "learning_rate"), "must be written key=range"),
        (("--over", "learning_rat=1..2"), "Did you mean"),
        ((), "nothing to vary"),
        (("--over", "learning_rate=log:1e-5..1e-3", "--sampler", "grid"), "a grid needs points"),
        (("--over", "max_steps=1..2", "--over", "max_steps=3,4"), "given twice"),
        (("--over", "max_steps=1..2", "--sampler", "best"), "sampler"),
    ):
        ran = shell("sweep", "sft", "--out", tmp_path / "s", *words)
        assert ran.code == 2 and says in ran.err
    assert shell("sweep", "lr-range", "nothing", "--out", tmp_path / "s").code == 2
    assert not (tmp_path / "s").exists()
