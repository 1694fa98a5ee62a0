from __future__ import annotations

from pathlib import Path

import pytest

from tunesmith.core.run_context import RunContext, RunResult

from .shell import FakeConfig, Shell, finished


def test_the_last_line_names_artefacts_and_the_next_command(shell: Shell) -> None:
    shell.add("sft", finished)
    ran = shell("train", "sft", "--out", "runs/a")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "loss     1.235",
        "success  0.7143 [0.66, 0.76] n=300",
        "model: runs/a/model · next: tunesmith chat runs/a",
    ]
    assert ran.err == "step 1/1\n"


def test_json_is_one_object_on_stdout_and_logs_on_stderr(shell: Shell) -> None:
    def noisy(config: FakeConfig, context: RunContext) -> RunResult:
        print("a library prints")
        return finished(config, context)

    shell.add("sft", noisy)
    ran = shell("train", "sft", "--json")
    assert ran.json == {
        "verb": "train sft",
        "out": "runs/fake",
        "loss": 1.23456,
        "success": {"value": 0.71432, "low": 0.66, "high": 0.76, "n": 300},
        "artefacts": {"model": "runs/fake/model"},
        "next": "tunesmith chat runs/fake",
    }
    assert ran.err == "a library prints\nstep 1/1\n"


def test_quiet_leaves_the_last_line(shell: Shell) -> None:
    shell.add("sft", finished)
    ran = shell("train", "sft", "--quiet")
    assert ran.out == "model: runs/fake/model · next: tunesmith chat runs/fake\n" and ran.err == ""


def test_flags_reach_configuration_and_context(shell: Shell) -> None:
    recipe = shell.add("sft", finished)
    words = "--model m --data a --data b --out o --seed 3 --set learning_rate=1e-5 --dry-run --resume --quiet"
    assert shell("train", "sft", *words.split()).code == 0
    [(config, context)] = recipe.calls
    assert config.model == "m" and config.data == (Path("a"), Path("b")) and config.out == Path("o")
    assert config.seed == 3 and config.optimizer.learning_rate == 1e-5
    assert context.dry_run and context.resume == "auto" and context.quiet and not context.json
    assert context.command == "tunesmith train sft " + words.replace("--resume", "--resume auto")


def test_environment_and_file_are_used(shell: Shell, tmp_path: Path) -> None:
    recipe = shell.add("sft", finished)
    (tmp_path / "c.yaml").write_text("stages:\n  sft: {seed: 5, model: m}\n")
    shell.environment = {"TUNESMITH__SEED": "7"}
    assert shell("train", "sft", "--config", tmp_path / "c.yaml").code == 0
    assert (recipe.calls[0][0].seed, recipe.calls[0][0].model) == (7, "m")


def test_print_config_runs_nothing(shell: Shell) -> None:
    recipe = shell.add("sft", finished)
    ran = shell("train", "sft", "--seed", "3", "--print-config")
    assert "seed: 3  # --seed\n" in ran.out and "optimizer:\n  learning_rate: 0.0001  # default" in ran.out
    body = shell("train", "sft", "--seed", "3", "--print-config", "--json").json
    assert body["config"]["seed"] == 3 and body["origins"]["seed"] == "--seed"
    assert recipe.calls == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--set sead=3", "tunesmith: --set sead: unknown key 'sead'. Did you mean 'seed'?\n"),
        ("--set seed=x", 'tunesmith: --set seed: seed = "x" must be a whole number\n'),
        ("--config no.yaml", "tunesmith: no.yaml: cannot read the configuration file (No such file or directory)\n"),
    ],
)
def test_a_wrong_configuration_is_exit_2_and_runs_nothing(shell: Shell, words: str, message: str) -> None:
    recipe = shell.add("sft", finished)
    ran = shell("train", "sft", *words.split())
    assert (ran.code, ran.out, ran.err) == (2, "", message)
    assert recipe.calls == []


def test_a_flag_that_the_stage_lacks_is_refused(shell: Shell) -> None:
    recipe = shell.add("sft", finished)
    recipe.Config = type(FakeConfig.model_fields["optimizer"].default)
    assert "--data: this command takes no such flag" in shell("train", "sft", "--data", "x").err
