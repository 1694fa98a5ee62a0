"""The engine alone: who shares the batch with whom, who leaves when."""

from __future__ import annotations

import asyncio
import time

import pytest
import torch

from tunesmith.model.generate import Sampling, generate
from tunesmith.serve.engine import BatchLimits
from tunesmith.serve.local_model import LocalModel
from tunesmith.serve.served_model import Ask
from tunesmith.web.refusal import Refusal

from .scene import local, tiny


async def said(model: LocalModel, ask: Ask) -> list[str]:
    answer = await model.start(ask)
    texts = [""] * ask.n
    async for delta in answer.deltas():
        texts[delta.choice] += delta.text
    return texts


def asks(count: int) -> list[Ask]:
    """Requests of all sorts: lengths, temperatures, truncation, several choices."""
    return [
        Ask(
            prompt="lamp " * (1 + i % 7), n=1 + i % 3, max_tokens=5 + 3 * (i % 11), seed=i % 5,
            temperature=(0.0, 0.7, 1.0, 1.3)[i % 4], top_p=(1.0, 0.8)[i % 2], top_k=(0, 0, 20)[i % 3],
        )
        for i in range(count)
    ]  # fmt: skip


def test_a_seeded_request_does_not_depend_on_the_batch() -> None:
    model = local(batch=BatchLimits(rows=12, prefill_tokens=20))
    wanted = asks(20)

    async def alone() -> list[list[str]]:
        return [await said(model, ask) for ask in wanted]

    async def together() -> list[list[str]]:
        return list(await asyncio.gather(*(said(model, ask) for ask in wanted)))

    assert asyncio.run(alone()) == asyncio.run(together())
    model.close(1.0)


def test_requests_join_a_running_batch_and_leave_it() -> None:
    model = local(max_tokens=400)

    async def scenario() -> tuple[int, int]:
        long = await model.start(Ask(prompt="a lamp", max_tokens=400))
        first = await anext(long.deltas())
        await said(model, Ask(prompt="a chair", max_tokens=3))
        steps = model.engine.steps
        await long.close()
        return first.tokens, steps

    tokens, steps = asyncio.run(scenario())
    assert tokens < 10 and steps < 300  # the short one did not wait for the long one
    model.close(1.0)


def test_cancelling_stops_within_one_step() -> None:
    model = local(max_tokens=400)

    async def scenario() -> int:
        answer = await model.start(Ask(prompt="a lamp", n=4, max_tokens=400))
        await anext(answer.deltas())
        await answer.close()
        before = model.engine.steps
        while model.engine.running:
            await asyncio.sleep(0.001)
        return model.engine.steps - before

    assert asyncio.run(scenario()) <= 1
    model.close(1.0)


def test_a_full_queue_refuses_and_a_cancelled_job_leaves_it() -> None:
    model = local(max_tokens=400, batch=BatchLimits(rows=1, queue=2))

    async def scenario() -> None:
        running = await model.start(Ask(prompt="a", max_tokens=400))
        await anext(running.deltas())
        queued = [await model.start(Ask(prompt="b", max_tokens=2)) for _ in range(2)]
        with pytest.raises(Refusal) as full:
            await model.start(Ask(prompt="c"))
        assert full.value.status == 503 and full.value.retry_after
        await queued[0].close()
        assert model.waiting == 1
        await running.close()
        assert [d.finish async for d in queued[1].deltas()][-1] == "length"

    asyncio.run(scenario())
    model.close(1.0)


def test_closing_lets_the_running_ones_finish_and_then_cuts() -> None:
    async def scenario(grace_s: float) -> str:
        model = local(max_tokens=400)
        answer = await model.start(Ask(prompt="a lamp", max_tokens=400))
        deltas = answer.deltas()
        await anext(deltas)
        closing = asyncio.create_task(asyncio.to_thread(model.close, grace_s))
        try:
            async for _ in deltas:
                pass
            return "finished"
        except Refusal as error:
            return str(error.status)
        finally:
            await closing
            with pytest.raises(Refusal, match="stopping"):
                await model.start(Ask(prompt="x"))

    assert asyncio.run(scenario(30.0)) == "finished"
    assert asyncio.run(scenario(0.0)) == "503"


def test_a_failed_step_tells_its_requests_and_the_next_ones_work(caplog: pytest.LogCaptureFixture) -> None:
    model = local()
    decoder = model.engine._decoder

    def broken() -> None:
        raise RuntimeError("out of memory")

    decoder.choose = broken  # type: ignore[method-assign]

    async def scenario() -> list[str]:
        with pytest.raises(Refusal) as failed:
            await said(model, Ask(prompt="a lamp", max_tokens=4))
        assert failed.value.status == 500 and "memory" not in str(failed.value)
        return await said(model, Ask(prompt="a lamp", max_tokens=4, seed=1))

    assert asyncio.run(scenario())[0]
    assert "out of memory" in caplog.text
    model.close(1.0)


def test_prompts_that_are_scored_do_not_silence_the_others() -> None:
    """They are read in the same portions, and whoever generates nothing is gone before the next step."""
    model = local(max_tokens=400, batch=BatchLimits(rows=32, prefill_tokens=1))

    async def scenario() -> tuple[int, list[int]]:
        running = await model.start(Ask(prompt="a", max_tokens=400))
        await anext(running.deltas())
        before = model.engine.steps
        crowd = [
            await model.start(Ask(prompt="lamp " * 20, max_tokens=0, echo=True, top_logprobs=1)) for _ in range(20)
        ]
        counts = []
        for answer in crowd:
            assert [delta.tokens async for delta in answer.deltas()] == [0]
            counts.append(len((await answer.echo()).logprobs))
        steps = model.engine.steps - before
        await running.close()
        return steps, counts

    steps, counts = asyncio.run(scenario())
    assert steps >= 18 and set(counts) == {len(tiny().tokenizer.encode("lamp " * 20))}
    model.close(1.0)


def test_the_end_token_is_told_to_whoever_scores_texts() -> None:
    """Tools leave the last token out and take the rest for the prompt's: there must be one for every token."""
    made = tiny()
    ends = made.tokenizer.named_id("eos_token")
    assert ends is not None
    ids = made.tokenizer.encode("a lamp")
    [[first]] = generate(made.network, [ids], stop_ids=[], sampling=Sampling(max_tokens=1, temperature=0))
    weight = made.network.get_output_embeddings().weight
    with torch.no_grad():
        weight[[ends, first.ids[0]]] = weight[[first.ids[0], ends]]  # the likeliest token now is the end
    model = LocalModel(made, name="tiny", folder="", max_tokens=8)

    async def scenario(echo: bool) -> int:
        answer = await model.start(Ask(prompt=tuple(ids), max_tokens=1, temperature=0, echo=echo, top_logprobs=1))
        told = [one async for delta in answer.deltas() for one in delta.logprobs]
        return len(told) + len((await answer.echo()).logprobs)

    assert asyncio.run(scenario(echo=True)) == len(ids) + 1 and asyncio.run(scenario(echo=False)) == 0
    model.close(1.0)


def test_newcomers_do_not_silence_the_others() -> None:
    """Prompts are read in portions: with 20 waiting, a running answer still gets tokens in between."""
    model = local(max_tokens=400, batch=BatchLimits(rows=32, prefill_tokens=1))

    async def scenario() -> int:
        running = await model.start(Ask(prompt="a", max_tokens=400))
        await anext(running.deltas())
        before = model.engine.steps
        crowd = [await model.start(Ask(prompt="b", max_tokens=400)) for _ in range(20)]
        end = time.monotonic() + 10
        while model.waiting and time.monotonic() < end:
            await asyncio.sleep(0.001)
        steps = model.engine.steps - before
        for answer in (running, *crowd):
            await answer.close()
        return steps

    assert asyncio.run(scenario()) >= 18
    model.close(1.0)
