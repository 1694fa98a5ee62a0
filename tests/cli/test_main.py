from __future__ import annotations

import subprocess
import sys

from tunesmith import __version__
from tunesmith.cli.main import with_lone_values

from .shell import Shell

HEAVY = ("torch", "transformers", "polars", "pydantic", "numpy", "rich", "yaml", "orjson")


def test_help_imports_nothing_heavy() -> None:
    """Timings do not gate (the contract is 0.3 s); what would make the help slow is asserted exactly."""
    program = (
        "import sys; from tunesmith.cli.main import main; code = main(['--help']);"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules];"
        "sys.exit(f'imported {heavy}' if heavy else code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "quickstart" in done.stdout and "runs" in done.stdout


def test_version() -> None:
    done = subprocess.run([sys.executable, "-m", "tunesmith.cli.main", "--version"], capture_output=True, text=True)
    assert done.stdout == f"{__version__}\n"


def test_no_verb_shows_the_help_and_is_a_usage_error(shell: Shell) -> None:
    ran = shell()
    assert ran.code == 2 and ran.out == ""
    assert "Commands:" in ran.err and ran.err.endswith("a verb is missing. See tunesmith --help\n")


def test_an_unknown_verb_names_the_nearest(shell: Shell) -> None:
    assert shell("tran").err == "tunesmith: No such command 'tran'. Did you mean 'train'?\n"


def test_an_unknown_option_is_a_usage_error_in_one_json_object(shell: Shell) -> None:
    ran = shell("train", "sft", "--learning-rate", "3", "--json")
    assert ran.code == 2
    error = ran.json["error"]
    assert (error["code"], error["type"]) == (2, "UsageError")
    assert "--learning-rate" in error["message"] and error["remedy"] == "see tunesmith train sft --help"


def test_a_missing_argument_is_a_usage_error(shell: Shell) -> None:
    ran = shell("data", "import", "x.jsonl")
    assert ran.code == 2 and "--out" in ran.err


def test_resume_may_stand_alone() -> None:
    assert with_lone_values(["train", "sft", "--resume"]) == ["train", "sft", "--resume", "auto"]
    assert with_lone_values(["--resume", "--seed", "1"]) == ["--resume", "auto", "--seed", "1"]
    assert with_lone_values(["--from-store", "--out", "x"]) == ["--from-store", "tunesmith.db", "--out", "x"]
    assert with_lone_values(["--from-store", "y.db"]) == ["--from-store", "y.db"]
    assert with_lone_values(["--resume", "never", "-q"]) == ["--resume", "never", "-q"]
