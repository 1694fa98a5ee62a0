"""It closes the loop: what somebody ranks in the browser, exported as it is, trains a reward model that agrees."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.small_runs import Workshop
from tunesmith.cli.main import main
from tunesmith.core.records import Completion, Message, Ranking
from tunesmith.model.load import load_model
from tunesmith.recipes.reward_measures import score_rankings
from tunesmith.recipes.stage import StageConfig
from tunesmith.store.database import open_database

from . import browser

pytestmark = [
    pytest.mark.skipif(bool(browser.missing()), reason=browser.missing() or "there is a browser"),
    pytest.mark.slow,
]
THINGS = ("lamp", "chair", "table", "vase", "clock", "shelf", "rug", "bed", "desk", "stool", "mug", "bowl")
# What this person likes: an answer with the price before one without, and either before rudeness.
ANSWERS = {"The {} is 5 dollars.": "7", "We have a {}.": "4", "Find the {} yourself!": "1"}


def question(thing: str, n: int) -> Ranking:
    said = tuple(Completion(id=f"m{k}", text=text.format(thing)) for k, text in enumerate(ANSWERS))
    return Ranking(messages=(Message("user", f"{n}: how much is the {thing}?"),), completions=said, rankings=())


def rank_as_liked(page: Any, n_items: int) -> None:
    """Rate what the page shows by its text alone, as a person would."""
    for n in range(n_items):
        page.wait_for_function("n => document.querySelector('#counts').textContent.startsWith(n + ' labeled')", arg=n)
        for text in page.locator(".completion .said").all_inner_texts():
            page.keyboard.press(next(key for kind, key in ANSWERS.items() if kind.split("{}")[0] in text))
        page.keyboard.press("Enter")
    page.wait_for_selector("text=Nothing waits for you")


def test_rankings_from_the_browser_train_a_reward_model(chromium: Any, tmp_path: Path) -> None:
    url, out = str(tmp_path / "desk.db"), tmp_path / "rankings.jsonl"
    records = [question(thing, n) for n, thing in enumerate(THINGS * 2)]
    database = open_database(url)
    with browser.running(database) as desk:
        task = desk.task("Which answer helps?", "rank", *records)
        context = chromium.new_context()
        context.set_default_timeout(60_000)
        context.add_cookies([desk.cookie("ann")])
        page = context.new_page()
        page.goto(f"{desk.address}/work/{task.id}")
        rank_as_liked(page, len(records))
        context.close()
    database.close()
    assert main(["label", "export", "--db", url, "--to", "rankings", "--out", str(out), "--quiet"]) == 0
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["rankings"][0]["order"] for row in rows] == [[["m0"], ["m1"], ["m2"]]] * len(records)
    workshop = Workshop(tmp_path / "work")
    workshop.run("reward", "from-desk", data=[str(out)], max_steps=40)
    unseen = [question(thing, 90 + n) for n, thing in enumerate(("sofa", "kettle", "mirror", "pillow"))]
    model = load_model(workshop.folder / "from-desk" / "model", classifier=True)
    _, scores = score_rankings(model, unseen, StageConfig(max_length=96))
    assert [sorted(said, key=said.__getitem__, reverse=True) for said in scores] == [["m0", "m1", "m2"]] * len(unseen)
