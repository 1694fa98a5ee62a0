from __future__ import annotations

from tunesmith.checks.repetition import RepetitionConfig, repetition
from tunesmith.checks.worded import Text, Worded

CONFIG = RepetitionConfig()


def judged(words: str, config: RepetitionConfig = CONFIG) -> str:
    return repetition(Worded(Text("f", "assistant", words)), config)


def distinct(count: int) -> list[str]:
    """Words of five letters that differ, in no repeated order."""
    return ["".join(chr(97 + n // 26**k % 26) for k in range(3)) + "xy" for n in range(count)]


def test_a_run_is_named_with_its_length() -> None:
    assert judged("it is " + "so very " * 6 + "good") == '"so very" follows itself 5 times'
    assert judged("it is " + "so very " * 4 + "good") == ""
    assert judged(" ".join(distinct(30)) + " again" * 7) == '"again" follows itself 6 times'


def test_gophers_repeated_sequences_at_tolerance_one() -> None:
    once, twice = distinct(100), distinct(100)[:20]
    # 20 of 120 words occurred before: 17 % of the characters, over Gopher's 15 % for 5-grams.
    assert judged(" ".join(once + twice), RepetitionConfig(tolerance=1.0)).startswith("17% of it are 5-word sequences")
    assert judged(" ".join(once + twice)) == ""
    # 9 of 109 words: 8 %, under every limit.
    assert judged(" ".join(once + once[:9]), RepetitionConfig(tolerance=1.0)) == ""


def test_gophers_top_ngram_at_tolerance_one() -> None:
    words = distinct(60)
    spread = [w for n, word in enumerate(words) for w in ([word, "same", "pair"] if n % 3 == 0 else [word])]
    # "same pair" 20 times of 8 letters, in 60 * 5 + 160 letters: 35 % of them, over Gopher's 20 %.
    assert judged(" ".join(spread), RepetitionConfig(tolerance=1.0)).startswith('"same pair" makes 35%')
    assert judged(" ".join(spread)) == ""


def test_lines_count_from_four_on() -> None:
    assert judged("+269\n" * 5).startswith("80% of its lines")
    assert judged("+269\n+269\n+269") == ""
    assert judged("one thing\nanother thing\na third thing\none thing") == ""
