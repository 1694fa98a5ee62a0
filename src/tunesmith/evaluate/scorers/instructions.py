"""IFEval's four numbers: prompt and instruction level, strict and loose (Zhou et al. 2023, arXiv 2311.07911)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tunesmith.evaluate.instructions.known import VERIFIERS
from tunesmith.evaluate.scorer import Measure, Response, Values, require_written

_THINKING = re.compile(r"^\s*<think>.*?</think>", re.DOTALL)


def follows(text: str, instruction: str, wanted: Mapping[str, Any]) -> bool:
    """Strict: the response is not blank and the instruction's check passes."""
    return bool(text.strip()) and VERIFIERS[instruction](text, wanted)


def variants(text: str) -> list[str]:
    """Return the eight texts of the loose reading.

    As it is, without its first line, its last, and both; each of the four also without stars.
    """
    lines = text.split("\n")
    cuts = [text, *("\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1]))]
    return [*cuts, *(cut.replace("*", "") for cut in cuts)]


def follows_loosely(text: str, instruction: str, wanted: Mapping[str, Any]) -> bool:
    """Loose: the check passes for any of the eight variants that is not blank."""
    return any(follows(variant, instruction, wanted) for variant in variants(text))


class Instructions:
    """Prompt level: all instructions of the prompt are followed. Instruction level: each counts, pooled over prompts.

    A `<think>` block at the beginning is not part of the response.
    """

    name = "ifeval"
    measures: Sequence[Measure] = (
        Measure("prompt_strict", "prompts followed, strict", primary=True),
        Measure("instruction_strict", "instructions followed, strict"),
        Measure("prompt_loose", "prompts followed, loose"),
        Measure("instruction_loose", "instructions followed, loose"),
    )

    def score(self, target: Sequence[Mapping[str, Any]], response: Response) -> Values:
        """Return the four values; the instruction level has one value for each instruction."""
        [said] = require_written(response).texts
        text = _THINKING.sub("", said)
        strict = [float(follows(text, one["id"], one["kwargs"])) for one in target]
        loose = [float(follows_loosely(text, one["id"], one["kwargs"])) for one in target]
        return {
            "prompt_strict": [min(strict)],
            "instruction_strict": strict,
            "prompt_loose": [min(loose)],
            "instruction_loose": loose,
        }
