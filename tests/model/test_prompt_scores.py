"""A prompt's own tokens: several prompts of one reading, each with as many likeliest tokens as it asks for."""

from __future__ import annotations

import pytest
import torch

from tests.small import FAMILIES, network_of
from tunesmith.data.batch import TokenSequence, pack
from tunesmith.model.attention import NAME
from tunesmith.model.decoder import Decoder, Row
from tunesmith.model.network import hidden_states, target_distributions
from tunesmith.model.sampling import Sampling

PROMPTS = ([5, 6, 7], [8, 9, 10, 11, 12, 13], [4], [20, 21], [9, 9, 9, 9])
LIKELIEST = (3, None, 2, 0, 5)


@torch.inference_mode()
@pytest.mark.parametrize("family", FAMILIES)
def test_scores_are_those_of_each_prompt_alone(family: str) -> None:
    network = network_of(family)
    how = Sampling(max_tokens=1, temperature=0.2)
    rows = [[Row(how, how.uniforms(0, k)) for k in range(2)] for _ in PROMPTS]
    found = Decoder(network, [2]).read(PROMPTS, rows, LIKELIEST)
    network.set_attn_implementation("eager")
    for prompt, wanted, scores in zip(PROMPTS, LIKELIEST, found, strict=True):
        if wanted is None:
            assert scores is None
            continue
        assert scores is not None
        expected = network(input_ids=torch.tensor([prompt])).logits[0, :-1].log_softmax(-1)
        own = [float(row[token]) for row, token in zip(expected, prompt[1:], strict=True)]
        assert scores.logprobs == pytest.approx(own, abs=1e-4)
        assert [len(top) for top in scores.tops] == [wanted] * (len(prompt) - 1)
        for top, row in zip(scores.tops, expected, strict=True):
            best = row.topk(wanted)
            assert [token for token, _ in top] == best.indices.tolist()
            assert [value for _, value in top] == pytest.approx(best.values.tolist(), abs=1e-4)
    network.set_attn_implementation(NAME)


@torch.inference_mode()
def test_the_logits_of_all_targets_never_exist_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    network = network_of("llama")
    batch = pack([TokenSequence([5, 6] * 500, [True] * 1000, "")])
    hidden = hidden_states(network, batch)
    whole = [chunk for chunk, _ in target_distributions(network, hidden, batch)]
    monkeypatch.setattr("tunesmith.model.network._MOST_LOGITS", 100 * network.config.vocab_size)
    parts = [chunk for chunk, _ in target_distributions(network, hidden, batch)]
    assert len(whole) == 1 and max(map(len, parts)) == 100
    torch.testing.assert_close(torch.cat(parts), whole[0])
