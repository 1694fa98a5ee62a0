"""Records become token ids; what does not fit is counted and named, never cut in silence."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from tunesmith.core.errors import DataError
from tunesmith.core.records import Comparison, Demonstration, Document, Message, Prompt, Ranking, Record, record_id
from tunesmith.text.chat_template import ChatTemplate, Rendered
from tunesmith.text.tokenizer import Tokenizer

Overlong = Literal["drop", "truncate", "stop"]


@dataclass(slots=True)
class RenderReport:
    """What rendering kept and left out. `left_out` holds (record id, reason)."""

    kept: int = 0
    tokens: int = 0
    target_tokens: int = 0
    left_out: list[tuple[str, str]] = field(default_factory=list)
    truncated: int = 0

    def drop(self, record: Record, reason: str) -> None:
        """Count a record that is left out."""
        self.left_out.append((record_id(record), reason))

    def sentences(self) -> list[str]:
        """Return the report in words, one line for each reason."""
        lines = [f"{self.kept} rows kept: {self.tokens} tokens, {self.target_tokens} of them learned"]
        reasons = Counter(reason for _, reason in self.left_out)
        lines += [f"{n} rows left out: {reason}" for reason, n in reasons.most_common()]
        if self.truncated:
            lines.append(f"{self.truncated} rows cut at max_length (trained without a stop token)")
        return lines

    def require_some(self, what: str) -> None:
        """Raise when nothing is left.

        Raises:
            DataError: no row can be used; says why.
        """
        if self.kept == 0:
            raise DataError(
                f"no usable {what}",
                why="; ".join(self.sentences()[1:]) or "the data set is empty",
                remedy="raise max_length or check the data with `tunesmith data show`",
            )


class RenderedPrompt(NamedTuple):
    """A prompt's ids, ready for the generator, and the record it came from."""

    ids: list[int]
    key: str
    record: Prompt | Demonstration | Ranking | Comparison


class RenderedTree(NamedTuple):
    """A prompt and K completions, each with its end-of-turn token; compact, for a set has many of them."""

    prompt: Sequence[int]
    completions: Sequence[Sequence[int]]
    key: str
    record: Ranking | Comparison


def render_demonstrations(
    records: Iterable[Demonstration],
    template: ChatTemplate,
    *,
    max_length: int,
    overlong: Overlong = "drop",
    learn: Literal["completions", "everything"] = "completions",
) -> tuple[list[tuple[str, Rendered]], RenderReport]:
    """Return (record id, ids and mask, compact) of each demonstration that fits.

    `learn="everything"` trains on prompt tokens too (rlhf_spec 8.1: the paper does not say; the default masks them).
    Truncation cuts at the end, which removes the stop token: such a row is trained without one (T-TOK-7).

    Raises:
        DataError: `overlong="stop"` and a row is longer than `max_length` tokens.
    """
    report = RenderReport()
    rows = []
    for record in records:
        rendered = template.render(record.messages)
        if learn == "everything":
            rendered = Rendered(rendered.ids, [True] * len(rendered.ids))
        if len(rendered.ids) > max_length:
            rendered = _fit(rendered, record, max_length, overlong, report)
        # The first token has no predecessor, so it can never be a target.
        if not any(rendered.loss_mask[1:]):
            if rendered.ids:
                report.drop(record, "no token to learn within max_length")
            continue
        report.kept += 1
        report.tokens += len(rendered.ids)
        report.target_tokens += sum(rendered.loss_mask[1:])
        rows.append((record_id(record), rendered.compact()))
    return rows, report


def _fit(rendered: Rendered, record: Record, max_length: int, overlong: Overlong, report: RenderReport) -> Rendered:
    reason = f"longer than max_length {max_length}"
    if overlong == "stop":
        raise DataError(f"{len(rendered.ids)} tokens, {reason}", where=record_id(record), remedy="raise max_length")
    if overlong == "drop":
        report.drop(record, reason)
        return Rendered([], [])
    report.truncated += 1
    return Rendered(rendered.ids[:max_length], rendered.loss_mask[:max_length])


def render_documents(records: Iterable[Document], tokenizer: Tokenizer, *, end_of_text: int) -> list[list[int]]:
    """Return each document's ids with the end-of-text token behind it. Every token of a document is learned."""
    return [[*ids, end_of_text] for ids in tokenizer.encode_batch([r.text for r in records])]


def prompt_of(record: Prompt | Demonstration | Ranking | Comparison) -> tuple[Message, ...]:
    """Return the messages that wait for an answer."""
    return record.prompt if isinstance(record, Demonstration) else record.messages


def render_prompts(
    records: Iterable[Prompt | Demonstration | Ranking | Comparison], template: ChatTemplate, *, max_prompt_length: int
) -> tuple[list[RenderedPrompt], RenderReport]:
    """Return the prompts that leave room for an answer; the others are reported, never cut."""
    report = RenderReport()
    rows = []
    for record in records:
        ids = template.render_prompt(prompt_of(record))
        if len(ids) > max_prompt_length:
            report.drop(record, f"prompt longer than {max_prompt_length} tokens")
            continue
        report.kept += 1
        report.tokens += len(ids)
        rows.append(RenderedPrompt(ids, record_id(record), record))
    return rows, report


def render_trees(
    records: Iterable[Ranking | Comparison], template: ChatTemplate, *, max_length: int
) -> tuple[list[RenderedTree], RenderReport]:
    """Return prompt and completions of each ranking or comparison; one that does not fit is left out whole."""
    report = RenderReport()
    rows = []
    for record in records:
        prompt = array("i", template.render_prompt(record.messages))
        texts = (
            [c.text for c in record.completions] if isinstance(record, Ranking) else [record.chosen, record.rejected]
        )
        completions = [array("i", template.render_completion(text)) for text in texts]
        if len(prompt) + max(map(len, completions)) > max_length:
            report.drop(record, f"longer than max_length {max_length}")
            continue
        report.kept += 1
        report.tokens += len(prompt) + sum(map(len, completions))
        report.target_tokens += sum(map(len, completions))
        rows.append(RenderedTree(prompt, completions, record_id(record), record))
    return rows, report
