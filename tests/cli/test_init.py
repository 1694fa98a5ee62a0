from __future__ import annotations

import re
from pathlib import Path

from .shell import Shell, finished


def test_writes_every_key_commented_out(shell: Shell, tmp_path: Path) -> None:
    shell.add("sft", finished)
    out = tmp_path / "tunesmith.yaml"
    ran = shell("init", "--out", out, "--json")
    assert ran.json["stages"] == ["sft"] and "left out" in ran.err
    text = out.read_text()
    assert "#     learning_rate: 0.0001  # The peak learning rate." in text
    assert all(line.startswith(("#", "  #", "stages:")) or not line for line in text.splitlines())


def test_uncommented_it_is_the_default_configuration(shell: Shell, tmp_path: Path) -> None:
    recipe = shell.add("sft", finished)
    out = tmp_path / "tunesmith.yaml"
    shell("init", "--out", out)
    body = out.read_text().split("stages:\n")[1]
    live = re.sub(r"^  # Fine.*\n", "", re.sub(r"(?m)^  # ", "  ", body).replace("  Fine-tune on", "  # Fine-tune on"))
    out.write_text("stages:\n" + live)
    ran = shell("train", "sft", "--config", out)
    assert ran.code == 0, ran.err
    assert recipe.calls[0][0] == recipe.Config()


def test_never_overwrites_without_force(shell: Shell, tmp_path: Path) -> None:
    shell.add("sft", finished)
    out = tmp_path / "tunesmith.yaml"
    out.write_text("mine")
    assert shell("init", "--out", out).code == 2
    assert out.read_text() == "mine"
    assert shell("init", "--out", out, "--force").code == 0
