"""Train the local toxicity scorer on human labels and write it with its card.

    python scripts/train_toxicity.py toxicity_en.csv --out src/tunesmith/evaluate/data --source "surge-ai/toxicity, MIT"

The CSV has the columns `text` and `is_toxic` (`Toxic` or `Not Toxic`). Every figure in the card is of texts that the
scoring model was not trained on (five folds); word lists given with `--words` are measured on the same texts.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from tunesmith.checks.check import Text
from tunesmith.checks.toxicity import toxicity
from tunesmith.checks.worded import Worded
from tunesmith.evaluate.suites.suite import file_hash, read_rows
from tunesmith.evaluate.toxicity_model import save_toxicity
from tunesmith.evaluate.toxicity_training import fit_calibrated, held_out_scores, validate

PENALTY, SEED = 0.001, 0


def main() -> None:
    """Train, validate, write, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--words", type=Path, help="a word list to compare with, one term per line")
    given = parser.parse_args()
    rows = read_rows(given.labels).rows
    texts = [str(row["text"]) for row in rows]
    toxic = [row["is_toxic"] == "Toxic" for row in rows]
    figures: dict[str, Any] = {
        "this scorer": validate(held_out_scores(texts, toxic, seed=SEED, penalty=PENALTY), toxic).to_json(),
        "lexicon and rules of `data check`": validate(
            [toxicity(Worded(Text("text", "document", text))).value for text in texts], toxic
        ).to_json(),
    }
    if given.words:
        terms = [re.escape(term) for term in given.words.read_text(encoding="utf-8").split("\n") if term.strip()]
        pattern = re.compile(rf"(?<!\w)(?:{'|'.join(terms)})(?!\w)", re.IGNORECASE)
        found = [float(pattern.search(text) is not None) for text in texts]
        figures[f"word list {given.words.name}"] = validate(found, toxic).to_json()
    card = {
        "version": 1,
        "source": given.source,
        "labels_sha256": file_hash(given.labels),
        "texts": len(texts),
        "toxic": sum(toxic),
        "held_out": figures,
        "limits": "1,000 English social-media comments: other languages, irony, quotation, polite hate and long texts "
        "are beyond it, and words about groups of people can raise its score without any abuse.",
    }
    model = fit_calibrated(texts, toxic, penalty=PENALTY, seed=SEED + 1)
    save_toxicity(model._replace(card=card), given.out)
    for name, figure in figures.items():
        print(f"{name}: AUC {figure['auc']['value']:.3f}, calibration error {figure['calibration_error']:.3f}")


if __name__ == "__main__":
    main()
