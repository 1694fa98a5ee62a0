"""How varied the desk's prompts are, and how near the test prompts come to the training prompts."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from tunesmith.core.records import Demonstration, Prompt
from tunesmith.desk.world import table

_GRAM = 4  # words per n-gram of the nearest-neighbour overlap
_TOKEN = re.compile(r"[A-Za-z]+|\d+|[^\sA-Za-z\d]")


class Variety(NamedTuple):
    """All shares lie in [0, 1].

    `distinct_1`, `_2`, `_3`: different n-grams of words over all n-grams, in the first 1,000 prompts. `top_skeleton`:
    share of the most common prompt after names, numbers, colours and products are masked; `skeletons`: different ones.
    `overlap_mean`, `overlap_p90`: of a test prompt's 4-grams, the share found in its nearest training prompt;
    `exact_overlap`: share of test prompts that are training prompts.
    """

    prompts: int
    distinct_prompts: int
    distinct_1: float
    distinct_2: float
    distinct_3: float
    skeletons: int
    top_skeleton: float
    overlap_mean: float
    overlap_p90: float
    exact_overlap: float


def variety(train: Sequence[Prompt | Demonstration], test: Sequence[Prompt | Demonstration]) -> Variety:
    """Return the variety of the training prompts and the overlap of the test prompts with them; neither is empty."""
    texts = [_text(record) for record in train]
    held_out = [_text(record) for record in test]
    words = [_TOKEN.findall(text.lower()) for text in texts]
    skeletons = Counter(skeleton(text) for text in texts)
    nearest = sorted(_nearest(words, [_TOKEN.findall(text.lower()) for text in held_out]))
    seen = set(texts)
    return Variety(
        prompts=len(texts),
        distinct_prompts=len(seen),
        distinct_1=_distinct(words[:1000], 1),
        distinct_2=_distinct(words[:1000], 2),
        distinct_3=_distinct(words[:1000], 3),
        skeletons=len(skeletons),
        top_skeleton=skeletons.most_common(1)[0][1] / len(texts),
        overlap_mean=sum(nearest) / len(nearest),
        overlap_p90=nearest[int(0.9 * (len(nearest) - 1))],
        exact_overlap=sum(text in seen for text in held_out) / len(held_out),
    )


def skeleton(text: str) -> str:
    """Return the text with everything that the world fills in masked: what is left is the template."""
    data = table("world")
    text = re.sub(r"\b(?:" + "|".join(data["series"]) + r") (?:" + "|".join(data["kinds"]) + r")\b", "@", text)
    names = [*data["first"], *data["last"], *data["cities"], *data["weekdays"], *data["months"], *data["carriers"]]
    text = re.sub(r"\b(?:" + "|".join([*names, *data["series"], *data["agents"]]) + r")\b", "@", text)
    text = re.sub(r"\b(?:" + "|".join([*data["colours"], *data["kinds"]]) + r")\b", "%", text)
    return re.sub(r"\d+", "#", text)


def _text(record: Prompt | Demonstration) -> str:
    messages = record.messages if isinstance(record, Prompt) else record.prompt
    return "\n".join(m.content for m in messages)


def _grams(words: Sequence[str], n: int) -> list[tuple[str, ...]]:
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def _distinct(texts: Sequence[Sequence[str]], n: int) -> float:
    grams = [gram for words in texts for gram in _grams(words, n)]
    return len(set(grams)) / max(1, len(grams))


def _nearest(train: Sequence[Sequence[str]], test: Sequence[Sequence[str]]) -> list[float]:
    """Return, for each test text, the largest share of its n-grams that one training text has."""
    holders: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, words in enumerate(train):
        for gram in set(_grams(words, _GRAM)):
            holders[gram].append(index)
    shares = []
    for words in test:
        grams = set(_grams(words, _GRAM))
        found = Counter(index for gram in grams for index in holders.get(gram, ()))
        shares.append(max(found.values(), default=0) / max(1, len(grams)))
    return shares
