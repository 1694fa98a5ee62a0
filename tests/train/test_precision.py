from __future__ import annotations

import pytest
import torch

from tunesmith.train import precision
from tunesmith.train.precision import autocast, resolved

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("flags", "found"), [(["avx512f", "amx_bf16"], "bf16"), (["avx512f", "avx512_bf16"], "fp32"), (None, "fp32")]
)
def test_auto_is_bf16_where_there_are_units_for_it(
    flags: list[str] | None, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(precision, "cpu_flags", lambda: flags)
    assert resolved("auto", CPU) == found
    assert resolved("fp32", CPU) == "fp32" and resolved("bf16", CPU) == "bf16"
    assert resolved("auto", torch.device("meta")) == "fp32"
    with autocast("auto", CPU):
        assert torch.is_autocast_enabled("cpu") is (found == "bf16")


@pytest.mark.parametrize("able", [True, False])
def test_graphics_cards_are_asked(able: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: able and not including_emulation)
    assert resolved("auto", torch.device("cuda")) == ("bf16" if able else "fp32")
