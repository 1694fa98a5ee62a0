"""The engine alone: who shares the batch with whom, who leaves when."""

from __future__ import annotations

import asyncio

import pytest
import torch

from tunesmith.model.generate import Sampling, generate
from tunesmith.serve.engine import BatchLimits
from tunesmith.serve.local_model import LocalModel
from tunesmith.serve.served_model import Ask
from tunesmith.web.refusal import Refusal

from .scene import Gate, local, soon, tiny


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
    gate = Gate(model)

    async def scenario() -> None:
        long = await model.start(Ask(prompt="a lamp", max_tokens=400))
        await gate.step(2)
        assert (await anext(long.deltas())).tokens == 2
        short = await model.start(Ask(prompt="a chair", max_tokens=3))
        await gate.step()  # was under way without it
        assert model.waiting == 0 and model.engine.running == 2
        await gate.step(3)
        assert [delta.finish async for delta in short.deltas()][-1] == "length"
        await gate.step()
        assert model.engine.running == 1 and (await anext(long.deltas())).tokens == 5
        await long.close()
        gate.open()

    asyncio.run(scenario())
    model.close(1.0)


def test_cancelling_stops_within_one_step() -> None:
    model = local(max_tokens=400)
    gate = Gate(model)

    async def scenario() -> None:
        answer = await model.start(Ask(prompt="a lamp", n=4, max_tokens=400))
        await gate.step(2)
        assert model.engine.running == 4
        await answer.close()
        await gate.step()
        assert await soon(lambda: model.engine.running == 0)
        assert model.engine.steps == 3
        # Its rows are free: as many as there are fit at once.
        wide = await model.start(Ask(prompt="a lamp", n=32, max_tokens=1))
        gate.open()
        assert {delta.choice async for delta in wide.deltas()} == set(range(32))

    asyncio.run(scenario())
    model.close(1.0)


def test_a_full_queue_refuses_and_a_cancelled_job_leaves_it() -> None:
    model = local(max_tokens=400, batch=BatchLimits(rows=1, queue=2))

    gate = Gate(model)

    async def scenario() -> None:
        running = await model.start(Ask(prompt="a", max_tokens=400))
        await gate.step()
        queued = [await model.start(Ask(prompt="b", max_tokens=2)) for _ in range(2)]
        with pytest.raises(Refusal) as full:
            await model.start(Ask(prompt="c"))
        assert full.value.status == 503 and full.value.retry_after
        await queued[0].close()
        assert model.waiting == 1
        await running.close()
        gate.open()
        assert [d.finish async for d in queued[1].deltas()][-1] == "length"

    asyncio.run(scenario())
    model.close(1.0)


def test_closing_lets_the_running_ones_finish_and_then_cuts() -> None:
    async def scenario(grace_s: float) -> str:
        model = local(max_tokens=400)
        gate = Gate(model)
        answer = await model.start(Ask(prompt="a lamp", max_tokens=400))
        deltas = answer.deltas()
        await gate.step()
        await anext(deltas)
        closing = asyncio.create_task(asyncio.to_thread(model.close, grace_s))
        if grace_s:
            gate.open()
        else:
            assert await soon(lambda: model.engine._cutting)
            await gate.step()
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
    gate = Gate(model)

    async def scenario() -> list[int]:
        running = await model.start(Ask(prompt="a", max_tokens=400))
        await gate.step()
        crowd = [
            await model.start(Ask(prompt="lamp " * 20, max_tokens=0, echo=True, top_logprobs=1)) for _ in range(20)
        ]
        await gate.step()  # was under way without them
        counts = []
        for number, answer in enumerate(crowd, start=1):
            await gate.step()
            assert [delta.tokens async for delta in answer.deltas()] == [0]
            assert (await anext(running.deltas())).tokens == (3 if number == 1 else 1)
            counts.append(len((await answer.echo()).logprobs))
        await running.close()
        gate.open()
        return counts

    assert set(asyncio.run(scenario())) == {len(tiny().tokenizer.encode("lamp " * 20))}
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
    gate = Gate(model)

    async def scenario() -> None:
        running = await model.start(Ask(prompt="a", max_tokens=400))
        await gate.step()
        await anext(running.deltas())
        crowd = [await model.start(Ask(prompt="b", max_tokens=400)) for _ in range(20)]
        await gate.step()  # was under way without them
        for left in range(20, 0, -1):
            assert await soon(lambda left=left: model.waiting == left - 1)  # type: ignore[misc]
            await gate.step()
            assert (await anext(running.deltas())).tokens == (2 if left == 20 else 1)
        for answer in (running, *crowd):
            await answer.close()
        gate.open()

    asyncio.run(scenario())
    model.close(1.0)
