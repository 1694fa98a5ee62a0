"""Trim what surrounds a prompt or an answer and says nothing: prompt markers, "Sure! Here is ...:", closing offers."""

from __future__ import annotations

import re

from tunesmith.make.clean.settle import settle

_MARKERS = re.compile(
    r"\A\s*(?:Below is an instruction that describes a task[^\n]*\n+)?"
    r"(?:#{2,3}\s*(?:Instruction|Response|Input|Output|Human|Assistant|User)|\[INST\]|</?s>)\s*:?\s*",
    re.I,
)
_END_MARKERS = re.compile(
    r"(?:\s*(?:#{2,3}\s*(?:Response|Output|Assistant)\s*:?|\[/INST\]|</s>|<\|endoftext\|>|<\|im_end\|>))+\s*\Z", re.I
)
_LEAD = re.compile(
    r"\A\s*(?:(?:Sure(?: thing)?|Certainly|Of course|Absolutely|Great question|Yes, of course|No problem)\b[!,.]?\s*)?"
    r"(?:I(?:'d| would) be (?:happy|glad) to help(?: you)?(?: with that)?[!.]\s*)?"
    r"(?:Here(?:'s| is| are)\b[^\n:]{0,120}:\s*\n+)",
    re.I,
)
_OFFER = re.compile(
    r"(?:\s+(?:I hope (?:this|that) helps|(?:Please )?let me know if (?:you (?:need|have|would like)|there is)"
    r"\b[^.!?\n]{0,100}"
    r"|(?:Please )?feel free to (?:ask|reach out)\b[^.!?\n]{0,100}|Is there anything else I can help you with"
    r"|Do you need help with anything else)[.!?]+)+\s*\Z",
    re.I,
)
_AI = re.compile(r"\A\s*As an AI (?:language )?model(?: developed by \w+)?,\s*(?=I\b)", re.I)


def trim_boilerplate(text: str, role: str) -> str:
    """Return a prompt without markers around it, an answer also without a ready-made beginning and end.

    `role` is that of `checks.check.Text`. What would be left empty stays whole. The preamble of an answer goes only
    where it is a line of its own that ends with a colon.
    """
    if role in ("system", "tool", "document"):
        return text
    return settle(lambda t: _fix(t, answer=role != "user"), text)


def _fix(text: str, *, answer: bool) -> str:
    trimmed = _END_MARKERS.sub("", _MARKERS.sub("", text))
    if answer:
        trimmed = _OFFER.sub("", _LEAD.sub("", _AI.sub("", trimmed)))
    return trimmed if trimmed.strip() else text
