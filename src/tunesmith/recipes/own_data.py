"""A person's own file in the quickstart: demonstrations or rankings, with nobody there who knows what is right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from tunesmith.core.errors import DataError
from tunesmith.core.records import (
    Comparison,
    Completion,
    Demonstration,
    Document,
    Message,
    Prompt,
    Ranking,
    RankingLabel,
)
from tunesmith.recipes.ranked_rows import as_ranking
from tunesmith.recipes.records import read_records
from tunesmith.store import split

HELD_OUT = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnData:
    """Demonstrations to imitate, rankings if the file has them, prompts to roll out on, and what is held out."""

    demonstrations: list[Demonstration]
    rankings: list[Ranking]
    prompts: list[Prompt]
    heldout_demonstrations: list[Demonstration]
    heldout_rankings: list[Ranking]

    def documents(self) -> list[Document]:
        """Return the demonstrations' texts: without pretraining text, the mix keeps the model at them."""
        return [Document(text="\n".join(m.content for m in d.messages)) for d in self.demonstrations]

    def against(self, completions: Sequence[str]) -> list[Ranking]:
        """Return each demonstration ranked above the model's own completion of its prompt.

        That is the only preference that demonstrations contain. Equal texts say nothing and are left out.
        """
        pairs = zip(self.demonstrations, completions, strict=True)
        return [over(d, text) for d, text in pairs if text.strip() != d.completion.strip()]


def over(demonstration: Demonstration, completion: str) -> Ranking:
    """Return the ranking that prefers a demonstration to another completion."""
    label = RankingLabel(labeler="demonstration", order=(("demonstration",), ("sample",)))
    return Ranking(
        messages=demonstration.prompt,
        completions=(
            Completion(id="demonstration", text=demonstration.completion),
            Completion(id="sample", text=completion, model="sft"),
        ),
        rankings=(label,),
        meta=demonstration.meta,
    )


def split_own_data(data: Sequence[str], log: Callable[[str], None], seed: int) -> OwnData:
    """Return the file's records, split so that no user or prompt is on both sides.

    Rankings give demonstrations too: the best completion of each.

    Raises:
        DataError: neither demonstrations nor rankings, or too few to hold any out.
    """
    kinds = ["demonstration", "ranking", "comparison"]
    records = read_records(data, kinds, log=log, desk_rows=1, seed=seed)
    parts = split(records, fractions={"train": 1 - HELD_OUT, "heldout": HELD_OUT}, seed=seed)
    if not parts["train"] or not parts["heldout"]:
        raise DataError(
            f"{len(records)} usable rows are too few",
            where=", ".join(data),
            why=f"{HELD_OUT:.0%} of the prompts are held out for measuring",
            remedy="give at least 20 rows",
        )
    shown, ranked = _kinds(parts["train"])
    heldout_shown, heldout_ranked = _kinds(parts["heldout"])
    log(f"{len(shown)} demonstrations and {len(ranked)} rankings to learn from, {len(parts['heldout'])} rows held out")
    return OwnData(
        demonstrations=shown,
        rankings=ranked,
        prompts=[Prompt(messages=d.prompt, meta=d.meta) for d in shown],
        heldout_demonstrations=heldout_shown,
        heldout_rankings=heldout_ranked,
    )


def _kinds(records: Sequence[object]) -> tuple[list[Demonstration], list[Ranking]]:
    shown: list[Demonstration] = []
    ranked: list[Ranking] = []
    for record in records:
        if isinstance(record, Demonstration):
            shown.append(record)
            continue
        ranking = as_ranking(cast("Ranking | Comparison", record))
        ranked.append(ranking)
        best = best_completion(ranking)
        if best is not None:
            shown.append(Demonstration(messages=(*ranking.messages, Message("assistant", best)), meta=ranking.meta))
    return shown, ranked


def best_completion(ranking: Ranking) -> str | None:
    """Return the text that the first label puts first; None when nobody ranked."""
    for label in ranking.rankings:
        if label.order and label.order[0]:
            return next(c.text for c in ranking.completions if c.id == label.order[0][0])
    return None
