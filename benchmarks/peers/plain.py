"""Plain transformers: `generate`, and the training loop that people write by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, GenerationConfig

from benchmarks import workload
from benchmarks.contender import Contender


def rollout(folder: Path, *, size: str, rows: int, bf16: bool, cache: str, tokens: int = 64) -> Contender:
    """Sample with `generate`: prompts padded on the left; end tokens ignored, so that all rows get all tokens."""
    dtype = torch.bfloat16 if bf16 else torch.float32
    network = AutoModelForCausalLM.from_pretrained(str(folder / "policy"), dtype=dtype).eval()
    asked = workload.prompts(rows, size)
    width = max(map(len, asked))
    ids = torch.tensor([[workload.PAD] * (width - len(p)) + p for p in asked])
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in asked])
    options: dict[str, Any] = {"cache_implementation": "static"} if cache == "static" else {}
    config = GenerationConfig(
        do_sample=True, temperature=1.0, top_k=0, top_p=1.0, max_new_tokens=tokens, min_new_tokens=tokens,
        pad_token_id=workload.PAD, eos_token_id=None, **options,
    )  # fmt: skip

    def run() -> float:
        with torch.inference_mode():
            made = network.generate(ids, attention_mask=mask, generation_config=config)
        return float((made.shape[1] - width) * rows)

    return Contender(run)


def pretrain(folder: Path, *, size: str, rows: int, bf16: bool, batch: int = 16) -> Contender:
    """Forward with labels (under autocast with bf16), backward, clip, AdamW; rows of one length: nothing is padded."""
    network = AutoModelForCausalLM.from_pretrained(str(folder / "policy"), dtype=torch.float32)
    data = torch.tensor(workload.pretraining_rows(rows, size))
    with torch.no_grad():
        check = float(network(input_ids=data[:8], labels=data[:8]).loss)

    def run() -> float:
        network.train()
        optimizer = torch.optim.AdamW(network.parameters(), lr=1e-5)
        for part in data[torch.randperm(len(data))].split(batch):
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
                loss = network(input_ids=part, labels=part).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return float(data.numel())

    return Contender(run, check)
