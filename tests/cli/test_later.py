from __future__ import annotations

import pytest

from tunesmith.cli.later import LATER

from .shell import Shell

NAMES = [(f"{group} {name}".split()) for group, verbs in LATER.items() for name in verbs]


@pytest.mark.parametrize("words", NAMES, ids=[" ".join(words) for words in NAMES])
def test_says_not_yet_and_what_to_use(shell: Shell, words: list[str]) -> None:
    ran = shell(*words, "some.file", "--port", "80")
    assert ran.code == 2
    assert f"`tunesmith {' '.join(words)}` is not yet in this version. Meanwhile: " in ran.err
    assert shell(*words, "--json").json["error"]["type"] == "NotYetError"
