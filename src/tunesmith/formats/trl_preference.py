"""TRL's preference form: `chosen` and `rejected` with a prompt, or with the prompt as their common beginning.

Texts or lists of messages. Also read: `instruction` + `input` or `question` as the prompt (LLaMA-Factory, Orca pairs),
and lists that repeat the prompt in front of each answer (UltraFeedback binarized).
"""

from __future__ import annotations

from typing import NamedTuple

from tunesmith.core.errors import DataError
from tunesmith.core.records import Comparison, Message, Record, messages_to_json
from tunesmith.formats.dumped import Dumped, lost_meta, pairs_of
from tunesmith.formats.fields import PROMPT_FIELDS, JsonRow, Turns, extras, filled_text, first_of, prompt_of, turns

NAME = "trl-preference"
_CHOSEN, _REJECTED = ("chosen", "chosen_response"), ("rejected", "rejected_response")
_PROMPTS = ("prompt", "instruction", "question", "input")


class _Pair(NamedTuple):
    prompt: Turns
    chosen: str
    rejected: str


def sniff(row: JsonRow) -> bool:
    """Say whether the row has a chosen and a rejected answer."""
    return bool(first_of(row, _CHOSEN) and first_of(row, _REJECTED))


def parse(row: JsonRow) -> list[Record]:
    """Return the comparison.

    Raises:
        DataError: a field is missing or of the wrong type, or there is no common beginning to take as the prompt.
    """
    chosen_name, rejected_name = first_of(row, _CHOSEN) or "chosen", first_of(row, _REJECTED) or "rejected"
    chosen, rejected = row.get(chosen_name), row.get(rejected_name)
    for name, value in ((chosen_name, chosen), (rejected_name, rejected)):
        if not isinstance(value, list | dict):
            filled_text(row, name)
    used = {chosen_name, rejected_name}
    prompt = Turns((), [])
    if first_of(row, _PROMPTS):
        prompt = prompt_of(row)
        used |= _prompt_names(row)
    if isinstance(chosen, str) and isinstance(rejected, str):
        pair = _Pair(prompt, chosen, rejected) if prompt.messages else _implicit_texts(chosen, rejected)
    else:
        pair = _chats(prompt, _turns(chosen, chosen_name), _turns(rejected, rejected_name))
    meta = pair.prompt.meta(extras(row, used))
    return [Comparison(messages=pair.prompt.messages, chosen=pair.chosen, rejected=pair.rejected, meta=meta)]


def _prompt_names(row: JsonRow) -> set[str]:
    """Return the names that `prompt_of` reads in this row; all others stay meta."""
    name = first_of(row, _PROMPTS)
    shared = {"system", "system_prompt", "history"}
    return shared | (PROMPT_FIELDS - {"prompt", "question"} if name == "instruction" else {name})


def _turns(value: object, where: str) -> tuple[Message, ...]:
    if isinstance(value, str):
        return (Message("assistant", value),)
    return turns(value if isinstance(value, list) else [value], where).messages


def _implicit_texts(chosen: str, rejected: str) -> _Pair:
    """Split two texts behind the last blank of their common beginning, so that no word is cut."""
    if chosen == rejected:
        raise DataError("chosen equals rejected", where="rejected")
    shared = 0
    while chosen[shared : shared + 1] and chosen[shared : shared + 1] == rejected[shared : shared + 1]:
        shared += 1
    end = max(chosen.rfind(blank, 0, shared) for blank in " \n\t")
    prompt = chosen[: max(end, 0)]
    if not prompt.strip():
        raise DataError("is missing, and the two answers have no common beginning", where="prompt")
    return _Pair(Turns((Message("user", prompt),), []), chosen[len(prompt) :], rejected[len(prompt) :])


def _chats(prompt: Turns, chosen: tuple[Message, ...], rejected: tuple[Message, ...]) -> _Pair:
    if prompt.messages:
        asked = prompt.messages
        chosen = chosen[len(asked) :] if chosen[: len(asked)] == asked else chosen
        rejected = rejected[len(asked) :] if rejected[: len(asked)] == asked else rejected
    shared = 0
    while shared < min(len(chosen), len(rejected)) - 1 and chosen[shared] == rejected[shared]:
        shared += 1
    before = prompt.extras or [{} for _ in prompt.messages]
    whole = Turns(prompt.messages + chosen[:shared], before + [{} for _ in chosen[:shared]])
    return _Pair(whole, _only_answer(chosen[shared:], "chosen"), _only_answer(rejected[shared:], "rejected"))


def _only_answer(messages: tuple[Message, ...], where: str) -> str:
    if len(messages) != 1 or messages[0].role != "assistant":
        raise DataError("must hold the same prompt as the other answer and then one assistant message", where=where)
    return messages[0].content


def dump(record: Record) -> Dumped:
    """Return a comparison, or all comparisons of a ranking, in the conversational form with a prompt."""
    pairs, lost = pairs_of(record)
    rows = [
        {
            "prompt": messages_to_json(pair.messages),
            "chosen": [{"role": "assistant", "content": pair.chosen}],
            "rejected": [{"role": "assistant", "content": pair.rejected}],
        }
        for pair in pairs
    ]
    return Dumped(rows, lost + (lost_meta(record) if rows else ()))
