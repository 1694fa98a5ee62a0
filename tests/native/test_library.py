"""The kernels are built once for a processor; without them everything works, and says why there are none."""

from __future__ import annotations

import copy
import os
import platform
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.model.native.networks import network_of_case, token_rows
from tunesmith.model.generate import Sampling, generate
from tunesmith.model.native.fused import fuse
from tunesmith.native import library
from tunesmith.native.library import native

needs_compiler = pytest.mark.skipif(shutil.which("c++") is None, reason="there is no C++ compiler")


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty cache and nothing loaded; afterwards as before."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    native.cache_clear()
    yield
    native.cache_clear()


@needs_compiler
def test_it_is_built_once_and_kept_for_this_user_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    first = native()
    assert first.library is not None and Path(first.why).exists()
    assert stat.S_IMODE(library.cache_folder("native").stat().st_mode) == 0o700
    native.cache_clear()
    monkeypatch.setattr(library, "_build", lambda *args: pytest.fail("built again"))
    assert native().why == first.why


@needs_compiler
def test_another_processor_or_source_gets_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = shutil.which("c++") or ""
    first = library._key(compiler)
    monkeypatch.setattr(library, "_processor", lambda: "flags: another")
    assert library._key(compiler) != first


def without(why: str) -> None:
    """Check that there are no kernels and that writing and fusing work all the same."""
    found = native()
    assert found.library is None and why in found.why
    network = network_of_case("llama")
    kinds = [type(m) for m in network.modules()]
    fuse(network)
    assert [type(m) for m in network.modules()] == kinds
    for dtype in (torch.float32, torch.bfloat16):
        made = generate(network.to(dtype), token_rows(5), stop_ids=[1], sampling=Sampling(max_tokens=4))
        assert made[0][0].ids and all(logprob < 0 for logprob in made[0][0].logprobs)


def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNESMITH_NATIVE", "0")
    without("TUNESMITH_NATIVE=0")


def test_no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("CXX", "")
    without("no C++ compiler")


@needs_compiler
def test_a_compiler_that_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "c++"
    broken.write_text('#!/bin/sh\n[ "$1" = --version ] && exit 0\necho "internal compiler error" >&2\nexit 1\n')
    broken.chmod(0o755)
    monkeypatch.setenv("CXX", str(broken))
    without("internal compiler error")
    assert not [p for p in library.cache_folder("native").iterdir() if p.suffix == ".so"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_home_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    monkeypatch.setenv("XDG_CACHE_HOME", str(locked))
    without("Permission denied")


@needs_compiler
@pytest.mark.skipif(platform.machine() != "x86_64", reason="these are switches of x86 compilers")
@pytest.mark.parametrize("switches", ["-mno-amx-tile -mno-amx-bf16", "-march=x86-64-v3", "-march=x86-64"])
def test_lesser_processors_sample_the_same_in_bf16(switches: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without tiles, without AVX-512, without AVX: the same tokens, log-probs to what bf16 rounds away."""
    network = network_of_case("llama").bfloat16()
    prompts, sampling = token_rows(5, 30, 17), Sampling(max_tokens=3, seed=1)
    best = generate(network, prompts, stop_ids=[1], sampling=sampling)
    native.cache_clear()
    monkeypatch.setattr(library, "FLAGS", (*library.FLAGS, *switches.split()))
    assert native().library is not None, native().why
    for one, other in zip(best, generate(network, prompts, stop_ids=[1], sampling=sampling), strict=True):
        assert one[0].ids == other[0].ids
        assert other[0].logprobs == pytest.approx(one[0].logprobs, abs=0.1)


@needs_compiler
def test_trained_with_or_without_kernels_is_the_same_to_rounding() -> None:
    from tunesmith.data.batch import TokenSequence, pack
    from tunesmith.model.network import target_nll_sum

    assert native().library is not None
    plain = network_of_case("llama")
    fused = copy.deepcopy(plain)
    fuse(fused)
    batch = pack([TokenSequence(row, [True] * len(row), "") for row in token_rows(9, 30, 12)])
    for network in (plain, fused):
        optimizer = torch.optim.SGD(network.parameters(), lr=1e-4)
        for _ in range(5):
            optimizer.zero_grad()
            target_nll_sum(network, batch).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    for one, other in zip(plain.parameters(), fused.parameters(), strict=True):
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-5)
