"""The walk-through of docs/walkthrough.md: chat, votes, rankings, reward model, PPO, and the new model in an A/B test.

python scripts/walkthrough.py --run runs/quickstart --out runs/walkthrough --images docs/images

Everything goes through the command line, the chat page and its API, as people would do it; the voters are scripted and
prefer what the desk's judge prefers. Needs the `dev` extra's playwright and a Chromium for the pictures.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from tunesmith.core.records import Prompt, messages_to_json
from tunesmith.desk import prompts
from tunesmith.desk.judge import judge
from tunesmith.store.database import open_database
from tunesmith.store.experiment import experiments, log

VOTING, VISITING, ROLLING_OUT = 31, 32, 33  # seeds of the desk: nobody is asked what another step was asked
TUNESMITH = (sys.executable, "-m", "tunesmith")
MAX_TOKENS = 48
QUESTION = "My parcel has not come. What can I do?"  # what stands in the pictures
CROWD = 16  # people who are on the page at the same time
SUCCESS_MARGIN = 0.1  # share of tasks done that better manners must not cost


def tunesmith(*words: str) -> dict[str, Any]:
    """Run a command and return its JSON."""
    print("$ tunesmith", *words, flush=True)
    done = subprocess.run((*TUNESMITH, *words, "--json"), stdout=subprocess.PIPE, check=True)
    return dict(json.loads(done.stdout))


@contextmanager
def serving(*words: str, port: int) -> Iterator[httpx.Client]:
    """Run `tunesmith serve` and yield a client of it."""
    print("$ tunesmith serve", *words, flush=True)
    process = subprocess.Popen((*TUNESMITH, "serve", *words, "--port", str(port), "--quiet"))
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=300) as client:
            while True:
                try:
                    if client.get("/readyz").status_code == 200:
                        break
                except httpx.ConnectError:
                    if process.poll() is not None:
                        raise SystemExit("the server did not start") from None
                time.sleep(0.3)
            yield client
    finally:
        process.terminate()
        process.wait()


def sent(client: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """Post and return the JSON, waiting where the server asks for it."""
    while True:
        answer = client.post(path, json=body)
        if answer.status_code not in (429, 503):
            return dict(answer.raise_for_status().json())
        time.sleep(int(answer.headers.get("Retry-After", "1")))


def begun(client: httpx.Client, prompt: Prompt) -> str:
    """Return a new conversation whose feedback may be trained on."""
    made = sent(client, "/chat/api/conversations", {"title": prompt.messages[-1].content[:80], "consent": True})
    return str(made["conversation"]["id"])


def asked(client: httpx.Client, prompt: Prompt, **more: Any) -> tuple[str, str]:
    """Return a reply's id and text."""
    body = {"messages": messages_to_json(prompt.messages), "max_tokens": MAX_TOKENS, "temperature": 1.0, **more}
    answer = sent(client, "/v1/chat/completions", body)
    return answer["id"], answer["choices"][0]["message"]["content"]


def told(client: httpx.Client, talk: str, kind: str, reply: str, other: str | None, **payload: str) -> None:
    """Give feedback."""
    body = {"key": secrets.token_hex(16), "kind": kind, "reply": reply, "other": other, "payload": payload}
    sent(client, f"/chat/api/conversations/{talk}/feedback", body)


def vote(client: httpx.Client, prompt: Prompt, models: Sequence[str]) -> str:
    """Ask both models side by side and vote as the judge would; returns the choice."""
    talk = begun(client, prompt)
    pair = sent(client, f"/chat/api/conversations/{talk}/pair", {"models": list(models)})
    where = {"conversation": talk, "pair": pair["pair"]}
    shown = [asked(client, prompt, model=name, metadata=where) for name in pair["models"]]
    first, second = (judge(prompt, text).score for _, text in shown)
    choice = "tie" if first == second else "first" if first > second else "second"
    told(client, talk, "vote", shown[0][0], shown[1][0], choice=choice)
    return choice


class Visit(NamedTuple):
    """What came of a visit: the thumb, and whether the task was done at all."""

    up: bool
    success: bool


def visit(client: httpx.Client, prompt: Prompt, visitor: str) -> Visit:
    """Talk to the experiment once and say thumb up or down.

    A thumb goes up for an answer that does the task in no poor manner: what visitors like is what voters prefer.
    """
    talk = begun(client, prompt)
    reply, text = asked(client, prompt, model="helper", user=visitor, metadata={"conversation": talk})
    found = judge(prompt, text)
    up = found.success and not found.habits
    told(client, talk, "thumb", reply, None, value="up" if up else "down")
    return Visit(up, found.success)


def crowd(work: Callable[[int], Any], n: int) -> list[Any]:
    """Do something for n people, several at a time."""
    with ThreadPoolExecutor(CROWD) as pool:
        return list(pool.map(work, range(n)))


@contextmanager
def browser() -> Iterator[Any]:
    """Yield a Chromium."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - pictures only

    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with sync_playwright() as play:
        launched = play.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield launched
        launched.close()


def picture(page: Any, file: Path) -> None:
    """Keep what the page shows, with few colours so that it stays small."""
    from PIL import Image  # noqa: PLC0415 - pictures only

    page.screenshot(path=str(file))
    Image.open(file).convert("P", palette=Image.Palette.ADAPTIVE, colors=64).save(file, optimize=True)


@contextmanager
def chat_page(url: str, *, ready: str) -> Iterator[Any]:
    """Yield the chat page in a browser, once `ready` can be seen on it."""
    with browser() as chromium:
        page = chromium.new_page(viewport={"width": 1000, "height": 640})
        page.set_default_timeout(120_000)
        page.goto(f"{url}/chat")
        page.wait_for_selector(f"{ready}:visible")
        yield page


def picture_of_a_vote(url: str, images: Path) -> None:
    """One vote by hand, as a person sees it."""
    with chat_page(url, ready="#side-by-side") as page:
        page.check("#consent")
        page.click("#side-by-side")
        page.fill("#message", QUESTION)
        page.keyboard.press("Enter")
        page.wait_for_selector(".vote")
        picture(page, images / "walkthrough_vote.png")
        page.keyboard.press("Escape")
        page.click('.vote button[data-choice="first"]')
        page.wait_for_selector(".revealed")


def picture_of_the_test(url: str, report: Path, images: Path) -> None:
    """The experiment as a visitor sees it, and its report."""
    with chat_page(url, ready="#open-settings") as page:
        page.click("#open-settings")
        page.select_option("#model", "helper")
        page.click("#settings .primary")
        page.fill("#message", QUESTION)
        page.keyboard.press("Enter")
        page.wait_for_selector(".reply .tools")
        page.click('button[aria-label="Good reply"]')
        page.wait_for_selector('button[aria-label="Good reply"][aria-pressed="true"]')
        picture(page, images / "walkthrough_test.png")
        page.set_viewport_size({"width": 1000, "height": 900})
        page.goto(report.resolve().as_uri())
        picture(page, images / "walkthrough_report.png")


def voting(chosen: argparse.Namespace) -> dict[str, Any]:
    """Let people compare two answers of the SFT model, side by side and blind."""
    asking = prompts(chosen.votes, seed=VOTING, split="train")
    sft = chosen.run / "sft" / "model"
    with serving(f"left={sft}", f"right={sft}", "--db", chosen.db, port=chosen.port) as client:
        begin = time.monotonic()
        if chosen.images:
            picture_of_a_vote(str(client.base_url), chosen.images)
        choices = crowd(lambda i: vote(client, asking[i], ("left", "right")), chosen.votes)
    return {"votes": chosen.votes, "choices": Counter(choices), "seconds": round(time.monotonic() - begin)}


def reward_model(chosen: argparse.Namespace) -> dict[str, Any]:
    """Train a reward model on the votes, with the quickstart's settings."""
    config, sft = chosen.run / "reward" / "config.yaml", chosen.run / "sft" / "model"
    return tunesmith(
        "train", "reward", "--config", str(config), "--from-store", chosen.db, "--model", str(sft),
        "--out", str(chosen.out / "reward"),
    )  # fmt: skip


def policy(chosen: argparse.Namespace) -> dict[str, Any]:
    """Train the policy against it, with the quickstart's settings."""
    config, rows = chosen.run / "ppo_ptx" / "config.yaml", chosen.out / "prompts.jsonl"
    asking = prompts(1_000, seed=ROLLING_OUT, split="train")
    rows.write_text("".join(json.dumps({"messages": messages_to_json(one.messages)}) + "\n" for one in asking))
    return tunesmith(
        "train", "ppo", "--config", str(config), "--set", f"total_episodes={chosen.episodes}",
        "--set", f"reward_model={chosen.out / 'reward' / 'model'}", "--model", str(chosen.run / "sft" / "model"),
        "--data", str(rows), "--out", str(chosen.out / "ppo"),
    )  # fmt: skip


def visitor_name(number: int) -> str:
    """Return the name under which a visitor is known to the test."""
    return f"visitor-{number}"


def log_success(db: str, visits: Sequence[Visit]) -> None:
    """Log who had their task done, as `tunesmith ab record` would, in one go."""
    database = open_database(db)
    try:
        with database.write() as connection:
            experiment = experiments.get(connection, "helper")
            for number, one in enumerate(visits):
                who, key = visitor_name(number), f"success-{number}"
                log.record(connection, experiment, who, "success", float(one.success), key=key, now=time.time())
    finally:
        database.close()


def test(chosen: argparse.Namespace) -> dict[str, Any]:
    """Let visitors talk to the old or the new model, and ask the report which is better."""
    tunesmith(
        "ab", "create", "helper", "--db", chosen.db, "--kind", "model", "--arm", "control=before",
        "--arm", "new=after", "--metric", "vote", "--guardrail", "seconds:lower:1",
        "--guardrail", f"success:higher:{SUCCESS_MARGIN}",
    )  # fmt: skip
    asking = prompts(chosen.visitors, seed=VISITING, split="test")
    random.Random(0).shuffle(asking)  # so that no kind of question comes first
    page = chosen.out / "ab.html"
    models = (f"before={chosen.run / 'sft' / 'model'}", f"after={chosen.out / 'ppo' / 'model'}")
    with serving(*models, "--ab", "helper", "--db", chosen.db, port=chosen.port) as client:
        begin = time.monotonic()
        visits = crowd(lambda i: visit(client, asking[i], visitor_name(i)), chosen.visitors)
        seconds = round(time.monotonic() - begin)
        log_success(chosen.db, visits)
        report = tunesmith("ab", "report", "helper", "--db", chosen.db, "--out", str(page))
        if chosen.images:
            picture_of_the_test(str(client.base_url), page, chosen.images)
    return {
        "visitors": chosen.visitors,
        "thumbs_up": sum(one.up for one in visits),
        "seconds": seconds,
        "report": report,
    }


STEPS = (voting, reward_model, policy, test)


def main() -> None:
    """Walk through; what is finished is not done again."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--run", type=Path, required=True, help="a quickstart's folder: its SFT model is where we start")
    words.add_argument("--out", type=Path, required=True)
    words.add_argument("--images", type=Path, help="a folder for pictures; none = no pictures")
    words.add_argument("--votes", type=int, default=2000)
    words.add_argument("--visitors", type=int, default=3000)
    words.add_argument("--episodes", type=int, default=1536)
    words.add_argument("--port", type=int, default=8790)
    chosen = words.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    chosen.db = str(chosen.out / "tunesmith.db")
    notes = chosen.out / "walkthrough.json"
    found = json.loads(notes.read_text()) if notes.exists() else {}
    for step in STEPS:
        if step.__name__ not in found:
            found[step.__name__] = step(chosen)
            notes.write_text(json.dumps(found, indent=2))
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
