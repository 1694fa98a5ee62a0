"""What to fix first: kinds of findings in the order of the harm they do, each with what to do about it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tunesmith.checks.finding import SEVERITIES, Severity
from tunesmith.checks.run import Checked

# How many rows with a warning, or a note, weigh as much as one row with an error: a house rule for the order only.
WEIGHTS: Mapping[str, float] = {"error": 1.0, "warning": 0.3, "note": 0.03}

# Kind, or the check's name for all its other kinds -> what to do. A kind that is not here has its reasons only.
WORDS: Mapping[str, str] = {
    "broken.mojibake": "read the source file with its true encoding again; what was damaged can often be repaired by "
    "ftfy",
    "broken.control": "remove the control characters; they are learned like letters",
    "broken.bidi": "remove the bidirectional marks; they hide what a text really says",
    "broken.invisible": "remove the invisible characters; they make equal words different",
    "broken.replacement": "go back to the source: these letters are lost here",
    "broken.html": "convert the HTML to text before importing",
    "broken": "correct the rows, or import without them: `data import` sets them aside with their reasons",
    "pii": "mask or remove it, unless the people agreed to its use; a model repeats what it was trained on",
    "pii.key": "revoke the key first, then remove it from the data",
    "noise.refusal": "remove the rows, or keep them only where a refusal is right",
    "noise.placeholder": "fill the placeholders in, or remove the rows",
    "noise.boilerplate": "cut the page's frame away",
    "noise.copies_prompt": "remove the rows; they teach the model to repeat its prompt",
    "noise.language": "remove the rows, or ask for that language in the prompt",
    "noise.repetition": "remove the rows; a small model falls into loops by itself",
    "noise.spelling": "correct or remove what is to be imitated; noisy prompts may stay, as people write them",
    "noise.terms": "use one term for one thing",
    "toxicity": "remove toxic answers; a rude user with a calm answer may stay",
    "tokens.overlong": "raise max_length, or shorten the rows: training leaves them out (`overlong: drop`)",
    "tokens.nothing_to_learn": "raise max_length, or shorten the prompts: nothing of these rows can be learned",
    "tokens.template": "change the rows' roles, or choose a model whose chat template takes them",
    "prompt_clarity.vague": "say what is wanted and of what; a labeler could not answer either",
    "prompt_clarity.no_material": "put the material behind the instruction",
    "prompt_clarity.overlong": "put the request first and shorten the material",
    "prompt_clarity.many_questions": "split the row into one record for each question",
    "duplicates.exact": "keep the first of each; repeated rows are learned by heart",
    "duplicates.near": "keep the first of each, unless the few words that differ are what is to be learned",
    "duplicates.conflict": "decide which answer is right; where both are short, a model learns a coin toss",
    "duplicates.reversed": "decide which answer is better, or drop the later comparison",
    "leakage.reference": "drop the rows, or an evaluation on those texts measures memory",
    "split_leakage.prompt": "put the files together and split them again: no prompt will stand in two parts",
    "outliers": "read them: a few are faults, the rest are the edge of your data",
    "outliers.answer_length": "read them: an answer far too long or short is cut off, or two in one",
}


class Fix(NamedTuple):
    """One line of the list: a kind of finding, how often, what to do, and a command that helps."""

    kind: str
    severity: Severity
    rows: int
    findings: int
    words: str
    command: str


def fixes(checked: Checked, files: Sequence[str], out: str) -> list[Fix]:
    """Return what to fix, the most harmful first: rows of a kind, weighted by severity."""
    found = []
    for kind, tally in checked.tallies.items():
        severity = next(name for name in SEVERITIES if tally.severities[name])
        words = WORDS.get(kind) or WORDS.get(kind.partition(".")[0], "")
        found.append(Fix(kind, severity, tally.rows, tally.findings, words, _command(kind, severity, files, out)))
    return sorted(found, key=lambda fix: (-WEIGHTS[fix.severity] * fix.rows, fix.kind))


def _command(kind: str, severity: Severity, files: Sequence[str], out: str) -> str:
    """Return a command of this version that repairs or removes the rows, or else the one that lists them."""
    named = shlex.join(files)
    if kind in READER_KINDS:
        return f"tunesmith data import {named} --out {shlex.quote(out + '/imported')}"
    if kind == "split_leakage.prompt":
        return f"tunesmith data split {named} --clusters {_in(out, 'clusters.jsonl')} --out {_in(out, 'parts')}"
    if fix := FIXED_BY.get(kind) or FIXED_BY.get(kind.partition(".")[0]):
        return f"tunesmith data clean {named} --fix {fix} --out {_in(out, 'cleaned')}"
    if kind in DROPPED:
        findings = _in(out, "findings.jsonl")
        return f"tunesmith data clean {named} --findings {findings} --drop {kind} --out {_in(out, 'cleaned')}"
    if kind in ("tokens.overlong", "tokens.nothing_to_learn"):
        return "tunesmith train sft --set max_length=N --set overlong=truncate"
    return f"grep -F '\"{kind}\"' {_in(out, 'findings.jsonl')}"


def _in(out: str, name: str) -> str:
    return shlex.quote(f"{out}/{name}")


# Kind, or the check's name for all its kinds -> the fix of `data clean` that repairs it (make/clean/fixes.py).
FIXED_BY: Mapping[str, str] = {
    "broken.mojibake": "unicode",
    "broken.control": "invisible",
    "broken.bidi": "invisible",
    "broken.invisible": "invisible",
    "broken.html": "html",
    "noise.terms": "terms --set glossary=FILE.yaml",
    "pii": "pii",
}
# Kinds whose rows are better gone; of the others a person decides, row by row.
DROPPED = frozenset(
    (
        *(f"noise.{name}" for name in ("refusal", "placeholder", "copies_prompt", "language", "repetition")),
        *("duplicates.exact", "duplicates.near", "duplicates.reversed", "leakage.reference", "broken.replacement"),
    )
)


# What the reader itself sets aside, and `data import` leaves out.
READER_KINDS = frozenset(
    f"broken.{name}" for name in ("oversize", "encoding", "json", "csv", "role", "empty", "type", "schema", "depth")
)
