"""Self-instruct: a teacher invents instructions from a few seed tasks (Wang et al. 2022, arXiv 2212.10560, section 2).

Each round shows eight instructions, six of the seeds and two of the new ones, and asks for more; says of each new one
whether it is a classification; asks for instances, output first for classifications (so that not every one gets the
most likely label) and input first for the others; keeps an instruction only if its ROUGE-L with every other is below
0.7.

Departures: the seeds are this project's own or a file's; instances are asked for one at a time; the teacher is a chat
model, so the templates are requests and no text to be continued. What is left out is counted by reason.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import NamedTuple

import orjson

from tunesmith.core.records import Demonstration, Message, Record
from tunesmith.make.rouge import rouge_l_reaches, tokens
from tunesmith.make.seeds import generator

NOVELTY = 0.7  # an instruction this close (ROUGE-L) to another one is not new
_SEEDS_SHOWN, _NEW_SHOWN = 6, 2
_FEWEST_WORDS, _MOST_WORDS = 4, 150
# What a text model cannot do (the paper's list, appendix A.2, in our words).
_IMPOSSIBLE = re.compile(
    r"\b(?:images?|pictures?|photos?|graphs?|draw|plot|videos?|audio|music file|maps?|go to|click)\b", re.I
)
_ITEM = re.compile(r"^\s*(?:\d+[.)]|[-*])\s+(.+?)\s*$", re.M)
_PARTS = re.compile(r"\s*input:\s*(?P<input>.*?)\s*output:\s*(?P<output>.*?)\s*\Z", re.I | re.S)
_LABEL_FIRST = re.compile(
    r"\s*(?:class )?label:\s*(?P<output>[^\n]*?)\s*\n\s*input:\s*(?P<input>.*?)\s*\Z", re.I | re.S
)

Say = Callable[[str], str]
"""Asks the teacher one thing and returns what it said."""


class Task(NamedTuple):
    """A task: its instruction, an input (may be empty), the output, and whether it is a classification."""

    instruction: str
    input: str
    output: str
    is_classification: bool


@dataclass(slots=True)
class Invented:
    """The new tasks in order, and how many suggestions were left out for which reason."""

    tasks: list[Task] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    rounds: int = 0


def own_seeds() -> list[Task]:
    """Return the seed tasks that come with the package."""
    text = files("tunesmith.make.synthesize").joinpath("seed_tasks.jsonl").read_text("utf-8")
    return [Task(**orjson.loads(line)) for line in text.splitlines()]


def seeds_of(records: Sequence[Record]) -> list[Task]:
    """Return single-turn demonstrations as seed tasks; a blank line parts instruction and input."""
    tasks = []
    for record in records:
        if isinstance(record, Demonstration) and [m.role for m in record.messages] == ["user", "assistant"]:
            instruction, _, given = record.messages[0].content.partition("\n\n")
            classification = bool(record.meta.get("is_classification", len(record.completion.split()) <= 2))
            tasks.append(Task(instruction.strip(), given.strip(), record.completion, classification))
    return tasks


def self_instruct(say: Say, seeds: Sequence[Task], *, wanted: int, most_rounds: int, seed: int) -> Invented:
    """Return up to `wanted` new tasks; ends after `most_rounds` rounds, whatever the teacher says."""
    result = Invented()
    pool = [tokens(task.instruction) for task in seeds]
    while len(result.tasks) < wanted and result.rounds < most_rounds:
        rng = generator(seed, str(result.rounds), "self_instruct")
        shown = [t.instruction for t in rng.sample(list(seeds), min(_SEEDS_SHOWN, len(seeds)))]
        shown += [t.instruction for t in rng.sample(result.tasks, min(_NEW_SHOWN, len(result.tasks)))]
        rng.shuffle(shown)
        result.rounds += 1
        for instruction in suggestions(say(_more(shown))):
            reason = objection(instruction, pool)
            if reason:
                result.left_out[reason] += 1
                continue
            task = _with_instance(say, instruction)
            if isinstance(task, str):
                result.left_out[task] += 1
                continue
            pool.append(tokens(instruction))
            result.tasks.append(task)
            if len(result.tasks) == wanted:
                break
    return result


def _more(shown: Sequence[str]) -> str:
    listed = "\n".join(f"{number}. {text}" for number, text in enumerate(shown, 1))
    return (
        "Here are some tasks for a text assistant. Think of eight more, as different from these and from each other as "
        "you can in subject, verb and length. Some should need an input text, some not. One task a line, numbered, "
        f"instructions only.\n\n{listed}"
    )


def suggestions(said: str) -> list[str]:
    """Return the items of a numbered or dashed list."""
    return [match.group(1).strip().strip('"') for match in _ITEM.finditer(said)]


def objection(instruction: str, pool: Sequence[Sequence[str]]) -> str:
    """Return why an instruction is not taken, or an empty text."""
    own = tokens(instruction)
    if not _FEWEST_WORDS <= len(own) <= _MOST_WORDS:
        return f"not {_FEWEST_WORDS} to {_MOST_WORDS} words long"
    if (
        not instruction[0].isalpha()
        or sum(not character.isascii() for character in instruction) > len(instruction) / 20
    ):
        return "begins with a mark, or is not in plain English letters"
    if _IMPOSSIBLE.search(instruction):
        return "needs more than text"
    if any(rouge_l_reaches(own, other, NOVELTY) for other in pool):
        return f"ROUGE-L of {NOVELTY} or more with another instruction"
    return ""


def _with_instance(say: Say, instruction: str) -> Task | str:
    """Return the task with an instance, or why there is none."""
    kind = say(
        "Is this a classification task, that is, one whose answer is one of a few fixed labels? Answer yes or no.\n\n"
        f"Task: {instruction}"
    )
    classification = kind.strip().lower().startswith("yes")
    if classification:
        said = say(
            "First choose one of the possible labels of this task, then write an input that has this label. Use "
            f"exactly this form:\nLabel: ...\nInput: ...\n\nTask: {instruction}"
        )
        match = _LABEL_FIRST.match(said)
    else:
        said = say(
            "Write one example of this task. If it needs no input, leave the input empty. Use exactly this form:\n"
            f"Input: ...\nOutput: ...\n\nTask: {instruction}"
        )
        match = _PARTS.match(said)
    if match is None:
        return "no instance in the form asked for"
    given, output = match["input"].strip(), match["output"].strip()
    if given.lower().strip(" .()<>") in ("none", "no input", "empty", "n/a", "..."):
        given = ""
    if not output or output == "..." or output == given:
        return "an instance without an output of its own"
    return Task(instruction, given, output, classification)


def demonstration_of(task: Task, origin: dict[str, object]) -> Demonstration:
    """Return a task as a record; `origin` becomes the meta's `synthesized`."""
    prompt = f"{task.instruction}\n\n{task.input}" if task.input else task.instruction
    kind = "classification" if task.is_classification else "other"
    return Demonstration(
        messages=(Message("user", prompt), Message("assistant", task.output)),
        meta={"task": kind, "scenario": "plain", "synthesized": origin},
    )
