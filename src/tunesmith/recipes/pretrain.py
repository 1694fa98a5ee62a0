"""Train a base model: next-token prediction on documents, from scratch or from a folder.

1. read documents; 2. a tokenizer and a Llama-style network, or the given model; 3. rows of at most `max_length` tokens,
each document apart from the others; 4. the mean negative log-likelihood of every token but a row's first.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import torch
from pydantic import Field
from transformers import LlamaConfig, LlamaForCausalLM

from tunesmith.algorithms.sft import LanguageObjective, builder, mean_nll
from tunesmith.core.config import Strict
from tunesmith.core.records import Document
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.data.batch import TokenSequence, pack
from tunesmith.model.attention import NAME
from tunesmith.model.load import LanguageModel, check_finite
from tunesmith.model.native.fused import fuse
from tunesmith.recipes.stage import SURPRISAL, Stage, StageConfig, batches_in_order, held_out, on_accelerator, walk_of
from tunesmith.text.render import render_documents
from tunesmith.text.tokenizer import Tokenizer
from tunesmith.text.train_tokenizer import END_OF_TEXT, train_tokenizer
from tunesmith.train.dataset_source import DatasetSource
from tunesmith.train.task import TrainingTask

_DOCUMENTS_AT_ONCE = 1000  # tokenised together; as Python lists they take ten times the room


class Architecture(Strict):
    """A Llama-style network made from scratch (used with `model: new`)."""

    vocab_size: int = Field(3072, ge=300, description="tokens of the tokenizer trained on the documents")
    hidden_size: int = Field(256, ge=8, description="width")
    num_hidden_layers: int = Field(6, ge=1, description="layers")
    num_attention_heads: int = Field(4, ge=1, description="heads")
    num_key_value_heads: int = Field(4, ge=1, description="key-value heads (grouped-query attention)")
    intermediate_size: int = Field(688, ge=8, description="width of the feed-forward part")
    max_position_embeddings: int = Field(1024, ge=16, description="longest sequence")
    tie_word_embeddings: bool = Field(True, description="one matrix for embedding and vocabulary projection")


class Config(StageConfig):
    """Pretraining."""

    model: str = Field("new", description="new (from scratch, see architecture), or a model to go on from")
    tokenizer: str | None = Field(None, description="for `model: new`: a folder with the tokenizer; null = train one")
    architecture: Architecture = Field(Architecture(), description="with `model: new`")
    max_length: int = Field(256, ge=2, description="tokens of one row; longer documents are cut into rows")
    global_batch_size: int = Field(64, ge=1, description="rows in one optimizer step")
    num_train_epochs: float = Field(1.0, gt=0, description="passes over the documents")
    validation_fraction: float = Field(0.01, ge=0, lt=1, description="share of documents held out")
    surprisal_coef: float = Field(0.0, ge=0, description=SURPRISAL)


def run(config: Config, context: RunContext) -> RunResult:
    """Pretrain and save a base model."""
    stage = Stage("pretrain", config, context)
    documents = cast("list[Document]", stage.read(["document"]))
    training, validation = held_out(documents, config.validation_fraction, config.seed)
    from_scratch = config.model == "new"
    model = new_model(config, [d.text for d in training]) if from_scratch else stage.open(config.model)
    rows = document_rows(training, model.tokenizer, config.max_length)
    checks = document_rows(validation, model.tokenizer, config.max_length)
    context.log(f"{len(training)} documents: {len(rows)} rows, {sum(len(r.ids) for r in rows)} tokens")
    sizes = [len(r.ids) for r in rows]
    walk = walk_of(
        config, stage.world, global_batch_size=config.global_batch_size, num_train_epochs=config.num_train_epochs
    )
    source = DatasetSource(rows, sizes=sizes, build=builder("pretrain"), walk=walk)
    parameters = sum(p.numel() for p in model.network.parameters())
    if context.dry_run:
        return stage.dry({"parameters": parameters, "tokens": sum(sizes), "steps": source.total_steps})
    batches = batches_in_order(checks, [len(r.ids) for r in checks], config.micro_batch_tokens, pack)
    objective = LanguageObjective(model.network, surprisal_coef=config.surprisal_coef)
    task = TrainingTask(
        modules=objective.modules,
        objective=objective,
        source=source,
        validate=(lambda: {"validation/loss": mean_nll(model.network, batches)}) if batches else None,
    )
    result = stage.train(task)
    stage.save(model, {"parameters": parameters, "tokens": result.tokens, "validation": result.validation})
    next_command = f"tunesmith train sft --model {stage.run.model} --data FILE --out DIR"
    return stage.result(result, parameters=parameters, next_command=next_command)


def new_model(config: Config, texts: Sequence[str]) -> LanguageModel:
    """Return an untrained network (normal weights, std 0.02) and its tokenizer."""
    shape = config.architecture
    if config.tokenizer is None:
        tokenizer = train_tokenizer(texts, vocab_size=shape.vocab_size)
    else:
        tokenizer = Tokenizer.load(Path(config.tokenizer))
    torch.manual_seed(config.seed)
    body = shape.model_dump()
    body["vocab_size"] = tokenizer.vocab_size
    ids = {f"{n}_token_id": tokenizer.named_id(f"{n}_token") for n in ("bos", "eos", "pad")}
    network = LlamaForCausalLM._from_config(LlamaConfig(**body, **ids), attn_implementation=NAME)
    check_finite(network, "new model")
    fuse(network)
    return on_accelerator(LanguageModel(network, tokenizer, None, {}))


def document_rows(documents: Sequence[Document], tokenizer: Tokenizer, max_length: int) -> list[TokenSequence]:
    """Return rows of at most `max_length` tokens; a longer document continues in the next row, nothing is dropped.

    A corpus has many millions of tokens: ids take four bytes each, and rows of one length share their mask.
    """
    end = tokenizer.require_id(tokenizer.named_token("eos_token") or END_OF_TEXT)
    masks: dict[int, list[bool]] = {}
    rows = []
    for first in range(0, len(documents), _DOCUMENTS_AT_ONCE):
        chunk = documents[first : first + _DOCUMENTS_AT_ONCE]
        for number, ids in enumerate(render_documents(chunk, tokenizer, end_of_text=end), first):
            for begin in range(0, len(ids), max_length):
                part = array("i", ids[begin : begin + max_length])
                if len(part) > 1:  # a single token has nothing to predict
                    mask = masks.setdefault(len(part), [True] * len(part))
                    rows.append(TokenSequence(part, mask, f"document {number}"))
    return rows
