"""What went into a prompt, what did not, and why: one entry for each thing that competed for the room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Kind = Literal["system", "question", "page", "exchange", "passage"]
State = Literal["whole", "cut", "out"]


class Entry(NamedTuple):
    """One candidate.

    `tokens` is what it added to the prompt (0 when out), so that all entries sum to the prompt; `needed` is what its
    text alone would take, None where it is so long that it was not counted. `label` is its citation, "" when out.
    """

    kind: Kind
    name: str
    heading: str
    state: State
    tokens: int
    needed: int | None
    reason: str
    label: str = ""
    score: float | None = None
    id: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The account of one prompt; `prompt_tokens + max_tokens <= max_length` always holds."""

    max_length: int
    max_tokens: int
    prompt_tokens: int
    entries: tuple[Entry, ...]
    searched: int
    notes: tuple[str, ...] = ()

    @property
    def free(self) -> int:
        """Tokens of the room that nothing used."""
        return self.max_length - self.max_tokens - self.prompt_tokens

    def citations(self) -> dict[str, str]:
        """Return the file behind each number that an answer may cite."""
        return {entry.label.partition("]")[0] + "]": entry.label for entry in self.entries if entry.label}

    def to_json(self) -> dict[str, Any]:
        """Return the receipt as JSON values."""
        return {
            "max_length": self.max_length,
            "max_tokens": self.max_tokens,
            "prompt_tokens": self.prompt_tokens,
            "free": self.free,
            "passages_searched": self.searched,
            "entries": [entry._asdict() for entry in self.entries],
            "notes": list(self.notes),
        }


def receipt_lines(receipt: Receipt, *, most_out: int = 5) -> list[str]:
    """Return the receipt for people: what went in, then what was left out, the last of which are counted."""
    total = receipt.prompt_tokens
    lines = [f"prompt: {total:,} of {total + receipt.free:,} tokens ({receipt.max_tokens:,} kept for the answer)"]
    entries = [entry for entry in receipt.entries if entry.kind not in ("system", "question")]
    lines += [f"  + {_words(entry)}" for entry in entries if entry.state != "out"]
    out = [entry for entry in entries if entry.state == "out"]
    lines += [f"  - {_words(entry)}" for entry in out[:most_out]]
    if len(out) > most_out:
        lines.append(f"  - and {len(out) - most_out:,} more (all of them with --json)")
    return [*lines, *(f"  ! {note}" for note in receipt.notes)]


def _words(entry: Entry) -> str:
    name = entry.label or entry.name + (f", {entry.heading}" if entry.heading else "")
    tokens = (
        f"{entry.tokens:,} tokens" if entry.state == "whole" else f"{entry.tokens:,} of {_count(entry.needed)} tokens"
    )
    return f"{name}: {tokens}, {entry.reason}" if entry.reason else f"{name}: {tokens}"


def _count(needed: int | None) -> str:
    return "very many" if needed is None else f"{needed:,}"
