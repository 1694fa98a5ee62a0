"""All formats by name. A new one is a module with `NAME`, `sniff`, `parse` (`dump` to export) and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from tunesmith.core.records import Record
from tunesmith.formats import (
    alpaca,
    hh,
    kto,
    native,
    oasst,
    openai_chat,
    openai_preference,
    pandalm,
    question_answer,
    ranking,
    self_instruct,
    sharegpt,
    sharegpt_preference,
    super_ni,
    trl_completion,
    trl_preference,
    trl_prompt,
    trl_text,
    ultrafeedback,
)
from tunesmith.formats.container import CSV, PARQUET, TEXT
from tunesmith.formats.dumped import Dumped
from tunesmith.formats.fields import JsonRow
from tunesmith.formats.rows import RowStream


class Format(Protocol):
    """What a format's module offers."""

    @property
    def NAME(self) -> str:
        """The name on screen and in `format=`."""

    def sniff(self, row: JsonRow, /) -> bool:
        """Say whether one row is in this format."""

    def parse(self, row: JsonRow, /) -> list[Record]:
        """Return the row's records or raise DataError."""


# The order decides where a row fits several: the more specific comes first.
FORMATS: Mapping[str, Format] = {
    native.NAME: native,
    ranking.NAME: ranking,
    openai_preference.NAME: openai_preference,
    oasst.NAME: oasst,
    pandalm.NAME: pandalm,
    ultrafeedback.NAME: ultrafeedback,
    sharegpt_preference.NAME: sharegpt_preference,
    hh.NAME: hh,
    trl_preference.NAME: trl_preference,
    kto.NAME: kto,
    self_instruct.NAME: self_instruct,
    super_ni.NAME: super_ni,
    sharegpt.NAME: sharegpt,
    openai_chat.NAME: openai_chat,
    alpaca.NAME: alpaca,
    trl_completion.NAME: trl_completion,
    question_answer.NAME: question_answer,
    trl_prompt.NAME: trl_prompt,
    trl_text.NAME: trl_text,
}

# Formats that are a way to hold rows; the columns then decide which of the above each row is.
CONTAINERS = (CSV, PARQUET, TEXT)

# Formats whose rows need the whole file, or a file beside it, before they can be parsed one by one.
ASSEMBLERS: Mapping[str, Callable[[RowStream, Path], RowStream]] = {
    oasst.NAME: oasst.assemble,
    super_ni.NAME: super_ni.assemble,
}

DUMPS: Mapping[str, Callable[[Record], Dumped]] = {
    native.NAME: native.dump,
    ranking.NAME: ranking.dump,
    openai_chat.NAME: openai_chat.dump,
    openai_preference.NAME: openai_preference.dump,
    alpaca.NAME: alpaca.dump,
    sharegpt.NAME: sharegpt.dump,
    sharegpt_preference.NAME: sharegpt_preference.dump,
    trl_completion.NAME: trl_completion.dump,
    trl_preference.NAME: trl_preference.dump,
    trl_prompt.NAME: trl_prompt.dump,
    trl_text.NAME: trl_text.dump,
    hh.NAME: hh.dump,
}

READABLE: tuple[str, ...] = (*FORMATS, *CONTAINERS)
WRITABLE: tuple[str, ...] = (*DUMPS, *CONTAINERS)
