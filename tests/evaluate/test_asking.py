from __future__ import annotations

import pytest
import torch

from tunesmith.core.errors import ConfigError
from tunesmith.core.records import Message
from tunesmith.evaluate.asking import Limits, completions, context_ids, likelihoods, split_ids, until
from tunesmith.evaluate.scorer import Likelihoods, Written
from tunesmith.evaluate.task import Ask, Choices, Protocol
from tunesmith.model.attention import NAME
from tunesmith.model.generate import Sampling, generate
from tunesmith.model.load import LanguageModel

from ..small import small_chat_model

LIMITS = Limits(max_length=100)
REQUESTS = [
    Choices("Where is my order?", (" It is on its way", " Monday", " I want to return the chair. Please send")),
    Choices("The lamp costs", (" 20 dollars",)),
    Choices("", ("Thank you", "Where is my chair?")),
]


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return small_chat_model()


def reference(model: LanguageModel, context: str, continuation: str) -> tuple[float, bool]:
    """The class's own forward pass over the whole text: its log-prob minus that of the context."""
    before, after = split_ids(model.tokenizer, context, continuation)
    ids = torch.tensor([[*before, *after]])
    model.network.set_attn_implementation("eager")
    try:
        with torch.no_grad():
            logprobs = torch.log_softmax(model.network(input_ids=ids).logits[0].double(), dim=-1)
    finally:
        model.network.set_attn_implementation(NAME)
    own = logprobs[:-1].gather(1, ids[0, 1:, None])[:, 0]
    best = logprobs[:-1].argmax(dim=-1) == ids[0, 1:]
    whole, context_only = own.sum(), own[: len(before) - 1].sum()
    return float(whole - context_only), bool(best[len(before) - 1 :].all())


@pytest.mark.parametrize("micro_batch_tokens", [1, 4096])
def test_equals_the_difference_of_whole_sequences_t_ev_2(model, micro_batch_tokens):
    """T-EV-2: log p(continuation | context) = log p(both) - log p(context), in whatever batches."""
    asked = likelihoods(model, REQUESTS, Limits(max_length=100, micro_batch_tokens=micro_batch_tokens))
    assert asked.cut == 0
    for request, response in zip(REQUESTS, asked.responses, strict=True):
        assert isinstance(response, Likelihoods)
        for text, logprob, greedy in zip(request.continuations, response.logprobs, response.greedy, strict=True):
            expected, best = reference(model, request.context, text)
            assert logprob == pytest.approx(expected, abs=1e-4)
            assert greedy == best


def test_the_space_before_a_continuation_is_none_of_its_characters(model):
    """As lm-eval counts: its delimiter is no part of a choice."""
    asked = likelihoods(model, [Choices("The lamp", (" costs 20", "s", " "))], LIMITS)
    assert [response.characters for response in asked.responses] == [(8, 1, 1)]


def test_greedy_flag_is_true_for_what_the_model_would_write_t_ev_2(model):
    """T-EV-2"""
    tokenizer = model.tokenizer
    seen = 0
    for context in ("Where is my order?", "The lamp", "Thank you", "I want to", "Please", "Monday", "dollars"):
        ids = context_ids(tokenizer, context)
        [[one]] = generate(model.network, [ids], stop_ids=[], sampling=Sampling(max_tokens=1, temperature=0.0))
        text = tokenizer.decode(one.ids)
        if split_ids(tokenizer, context, text) != (ids, one.ids):
            continue  # the likeliest token is a piece of a character, or melts into the context
        seen += 1
        other = " Monday" if text != " Monday" else " lamp"
        [response] = likelihoods(model, [Choices(context, (text, other))], LIMITS).responses
        assert isinstance(response, Likelihoods)
        assert response.greedy == (True, False)
        assert response.logprobs[0] == pytest.approx(one.logprobs[0], abs=1e-5)
        # A single wrong token is enough.
        wrong = [c for c in "qzxjk!" if split_ids(tokenizer, context, c) == (ids, tokenizer.encode(c))]
        single = [c for c in wrong if len(tokenizer.encode(c)) == 1 and tokenizer.encode(c) != one.ids]
        assert single
        [response] = likelihoods(model, [Choices(context, tuple(single))], LIMITS).responses
        assert isinstance(response, Likelihoods) and not any(response.greedy)
    assert seen


def test_a_space_belongs_to_the_continuation_t_ev_2(model):
    """T-EV-2: "A: " + "yes" and "A:" + " yes" are the same question."""
    assert split_ids(model.tokenizer, "The lamp ", "costs") == split_ids(model.tokenizer, "The lamp", " costs")
    joined = split_ids(model.tokenizer, "The lamp ", "costs")
    begin = model.tokenizer.named_id("bos_token")
    assert [*joined.context, *joined.continuation] == [begin, *model.tokenizer.encode("The lamp costs")]


def test_an_empty_context_is_the_start_of_a_text(model):
    assert context_ids(model.tokenizer, "") == [model.tokenizer.named_id("bos_token")]


def test_a_long_context_loses_its_beginning_and_is_counted(model):
    context = "Where is my order? " * 30
    asked = likelihoods(model, [Choices(context, (" Monday",)), REQUESTS[1]], Limits(max_length=20))
    assert asked.cut == 1
    with pytest.raises(ConfigError, match="continuation"):
        likelihoods(model, [Choices("a", (context,))], Limits(max_length=20))


def test_completions_end_at_a_stop_text_and_chat_prompts_use_the_template(model):
    assert until("one\ntwo Q: three", ("Q:", "\n")) == "one"
    ask = Ask((Message("user", "Where is my order?"),), "Where is my order?")
    chat, plain = (
        completions(model, [ask], Protocol(max_tokens=8), form, LIMITS, seed=0).responses[0]
        for form in ("chat", "plain")
    )
    assert chat != plain


def test_samples_do_not_depend_on_what_they_are_batched_with(model):
    asks = [Ask((), "Where is my order?"), Ask((), "The lamp"), Ask((), "Thank you, have a nice")]
    protocol = Protocol(form="plain", max_tokens=6, temperature=1.0, completions=3)
    together = completions(model, asks, protocol, "plain", LIMITS, seed=3).responses
    alone = completions(model, asks[:1], protocol, "plain", LIMITS, seed=3).responses
    assert together[0] == alone[0]
    assert isinstance(together[0], Written)
    assert len(together[0].texts) == 3
