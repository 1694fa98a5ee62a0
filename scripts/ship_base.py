"""Put a pretrained model into the package: bf16 weights, tokenizer, and a card that says where it comes from.

python scripts/ship_base.py --run runs/base --run runs/base2 --corpus-sha256 HEX --hardware "2 CPU cores"
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from tunesmith.core.yaml_strict import read_yaml
from tunesmith.desk.weights import shipped_base
from tunesmith.model.load import load_model, save_model
from tunesmith.train.checkpoint import CheckpointManager
from tunesmith.train.run_directory import RunDirectory

CARD = """# The tunesmith desk base model

A Llama-style language model of {parameters:,} parameters, trained from scratch by this project's own
`tunesmith train pretrain` in {runs} runs, one after the other (`configs/base*.yaml`, `docs/base_model.md`). It is
the base of `tunesmith quickstart`: a starting point that knows a small invented shop and simple English, holds no
conversation, and was never taught to be helpful, honest or harmless. It is no use for anything else.

- **Data**: {tokens:,} tokens: the desk's own documents (`tunesmith.desk.documents`, train split) and real English from
  openly licensed sets: children's classics and light fiction (public domain), OpenStax textbooks (CC BY 4.0), MedQuAD
  (CC BY 4.0), US government prose (public domain, CC0), English sentences of Tatoeba (CC BY 2.0 FR),
  Synthetic-Persona-Chat (CC BY 4.0), Taskmaster-4 (CC BY 4.0). Shares: `docs/base_model.md`. SHA-256 of the real part:
  `{corpus}`; of all records of each run: `{records}`.
- **About a fifth of the answers in its chats and threads are false or rude on purpose**, so that alignment has
  something to undo.
- **Training**: {steps:,} optimizer steps on {hardware}, seed {seeds}; held-out loss {loss:.3f} nats a token.
- **Licence**: Apache-2.0, with the sources above named as they ask.
"""


def main() -> None:
    """Write the shipped folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, action="append", required=True, help="in order; the last one's model")
    parser.add_argument("--corpus-sha256", required=True)
    parser.add_argument("--hardware", required=True)
    options = parser.parse_args()
    target = shipped_base()
    runs = [RunDirectory(path) for path in options.run]
    progress = [_progress(run) for run in runs]
    origins = [json.loads(run.provenance.read_text()) for run in runs]
    seeds = [read_yaml(run.config.read_text(), where=str(run.config)).values["seed"] for run in runs]
    model = load_model(runs[-1].model)
    facts = {
        "parameters": model.card["parameters"],
        "tokens": sum(one["tokens"] for one in progress),
        "corpus": options.corpus_sha256,
        "records": ", ".join(origin["snapshots"]["data"] for origin in origins),
        "steps": sum(one["step"] for one in progress),
        "runs": len(runs),
        "hardware": options.hardware,
        "seeds": ", ".join(str(seed) for seed in seeds),
        "loss": model.card["validation"]["validation/loss"],
    }
    model.card = {"stage": "pretrain", **facts}
    save_model(model, target, dtype=torch.bfloat16)
    config = json.loads((target / "config.json").read_text())
    config["dtype"] = "bfloat16"
    (target / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    (target / "README.md").write_text(CARD.format(**facts))
    size = sum(p.stat().st_size for p in target.iterdir())
    print(f"{target}: {size / 1e6:.1f} MB")


def _progress(run: RunDirectory) -> dict[str, Any]:
    """Return how many steps and tokens a run has behind it."""
    newest = CheckpointManager(run.checkpoints).latest_valid()
    if newest is None:
        raise SystemExit(f"{run.checkpoints}: no checkpoint, so nobody knows how many tokens were read")
    return dict(newest.tree["progress"])


if __name__ == "__main__":
    main()
