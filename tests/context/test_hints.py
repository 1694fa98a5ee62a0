from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tunesmith.context.hints import hints

DATA = Path(__file__).parents[3] / "shared" / "data"


def kinds(text: str, **more: bool) -> set[str]:
    return {hint.kind for hint in hints(text, **more)}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("fix it", "vague"),
        ("Summarize the following text:", "no_material"),
        ("Please translate this text into French", "no_material"),
        ("the blue lamp in my kitchen", "no_task"),
        ("What is it? Who made it? When? Where? How long did it take?", "many_questions"),
        ("word " * 500 + "explain", "overlong"),
        ("Compare cats and dogs", "no_format"),
        ("Please answer the customer below politely: где мой заказ", "languages"),
    ],
)
def test_what_is_unclear(text: str, kind: str) -> None:
    assert kind in kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello there my friend",
        "What is the capital of France?",
        "Write a poem about the sea in four lines.",
        "Summarise this: The meeting is on Monday and we need chairs.",
        "Fix this sentence: 'He go home.'",
        "List three fruits.",
        "Translate 'где мой заказ' into English, please and thank you.",
        "Explain this function:\n\ndef f(x): return x",
        "How do I return a lamp?",
        "Compare cats and dogs in a table",
    ],
)
def test_what_is_clear(text: str) -> None:
    assert kinds(text) == set()


def test_this_is_clear_where_something_was_given() -> None:
    assert kinds("Summarise this text", has_pages=True) == set() == kinds("fix it", first=False)


@pytest.mark.real_data
def test_few_false_alarms_on_prompts_that_people_wrote() -> None:
    """Self-instruct's 175 seed tasks were written and answered by people, so a hint is nearly always a false alarm."""
    path = DATA / "self_instruct" / "seed_tasks.jsonl"
    if not path.is_file():
        pytest.skip("no ../shared/data/self_instruct")
    rows = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    texts = [f"{row['instruction']}\n\n{row['instances'][0]['input']}".strip() for row in rows]
    noisy = sum(bool(hints(text)) for text in texts)
    assert len(texts) == 175 and noisy <= 9
