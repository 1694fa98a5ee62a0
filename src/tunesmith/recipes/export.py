"""Export a run's model: an ordinary Hugging Face folder with a model card, the LoRA adapter, a GGUF file."""

from __future__ import annotations

import shutil
from pathlib import Path

from pydantic import Field

from tunesmith.core.config import Strict
from tunesmith.core.errors import ConfigError
from tunesmith.core.run_context import RunContext, RunResult
from tunesmith.export.figures import figures_beside
from tunesmith.export.gguf_file import write_gguf
from tunesmith.export.model_card import model_card
from tunesmith.formats.atomic import replacing
from tunesmith.model.load import save_model
from tunesmith.recipes.evaluate import model_folder
from tunesmith.recipes.stage import ADAPTER_FOLDER, open_model
from tunesmith.train.lineage import model_ancestry

CARD_FILE = "README.md"


class Config(Strict):
    """Export."""

    run: str = Field("", description="a run, a quickstart (its PPO-ptx model), or a model folder")
    out: str = Field("", description="the folder to write; it must not be there yet")
    name: str = Field("", description="the model's name in the card and the GGUF file; empty = the run's")
    licence: str = Field("", description="the model's licence for its card, such as apache-2.0; never assumed")
    adapter: bool = Field(False, description="also the LoRA adapter alone, in peft's format, under adapter/")
    gguf: bool = Field(False, description="also one GGUF file in 32 bit, for llama.cpp and what builds on it")


def run(config: Config, context: RunContext) -> RunResult:
    """Write everything that was asked for, or nothing."""
    out = Path(config.out)
    if not config.run or not config.out:
        raise ConfigError("needs a run and a folder", where="export", remedy="tunesmith export RUN --out DIR")
    if out.exists():
        raise ConfigError("is there already", where=str(out), remedy="name a new folder; nothing is overwritten")
    model, folder = open_model(model_folder(config.run))
    made_in = folder.parent if (folder.parent / "provenance.json").is_file() else folder
    name = config.name or (made_in.name if made_in.name != "model" else made_in.parent.name)
    adapter = made_in / ADAPTER_FOLDER
    if config.adapter and not (adapter / "adapter_config.json").is_file():
        why = "the run trained the whole model, or was made before adapters were kept"
        raise ConfigError("has no adapter", where=str(made_in), why=why, remedy="train with --set lora={}")
    figures, unread = figures_beside(made_in)
    for place, why in unread.items():
        context.log(f"{place} cannot be read, so the card has none of its figures: {why}")
    card = model_card(
        name,
        model_ancestry(str(folder)),
        parameters=sum(one.numel() for one in model.network.parameters()),
        max_length=int(getattr(model.network.config, "max_position_embeddings", 0) or 0),
        figures=figures,
        licence=config.licence,
    )
    if context.dry_run:
        return RunResult(out=out, summary={"dry_run": True, "name": name, "figures": len(figures)})
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        save_model(model, partial)
        with replacing(partial / CARD_FILE) as file:
            file.write(card.encode())
        artefacts = {"model": str(out), "card": str(out / CARD_FILE)}
        if config.adapter:
            shutil.copytree(adapter, partial / ADAPTER_FOLDER)
            artefacts["adapter"] = str(out / ADAPTER_FOLDER)
        if config.gguf:
            write_gguf(model, folder, partial / f"{name}.gguf", name=name)
            artefacts["gguf"] = str(out / f"{name}.gguf")
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    summary = {"name": name, "figures": len(figures), "licence": config.licence or "not recorded"}
    summary |= {"unread": unread} if unread else {}
    return RunResult(out=out, summary=summary, artefacts=artefacts, next_command=f"tunesmith serve {out}")
