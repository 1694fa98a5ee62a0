r"""Train the local toxicity scorer on human labels and write it with its card.

    python scripts/train_toxicity.py toxicity_en.csv --harmless prose.jsonl.gz --harmless-held-out books.jsonl.gz \\
        --out src/tunesmith/evaluate/data --source "surge-ai/toxicity, MIT"

The CSV has the columns `text` and `is_toxic` (`Toxic` or `Not Toxic`). `--harmless` gives edited prose (`text` per
row), of which short pieces are taken as not toxic: without them, whatever the scorer has never seen scores as the
labelled set's half of toxic texts. Every figure in the card is of texts that the scoring model was not trained on (five
folds); calibration is at `--base-rate`. Word lists given with `--words` are measured on the same texts, and pieces of
`--harmless-held-out`, of another source, say how often ordinary words are called toxic.
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
from tunesmith.evaluate.toxicity_model import ToxicityModel, save_toxicity
from tunesmith.evaluate.toxicity_training import fit_calibrated, fragments, held_out_scores, validate
from tunesmith.statistics.rates import wilson

PENALTY, SEED, PIECES = 0.001, 0, 1000
# Of ordinary web text 2.1 to 4.3 % is toxic (Gehman et al. 2020, sec. 6); a little more, for texts that provoke it.
BASE_RATE = 0.05
TOXIC = 0.5


def main() -> None:
    """Train, validate, write, print."""
    given = _arguments()
    rows = read_rows(given.labels).rows
    texts = [str(row["text"]) for row in rows]
    toxic = [row["is_toxic"] == "Toxic" for row in rows]
    labelled = len(texts)
    for place in given.harmless:
        texts += _pieces(place, PIECES // len(given.harmless))
    toxic += [False] * (len(texts) - labelled)
    how: dict[str, Any] = {"penalty": PENALTY, "base_rate": given.base_rate}
    scores = held_out_scores(texts, toxic, seed=SEED, **how)[:labelled]
    figures = {"this scorer": _figure(scores.tolist(), toxic[:labelled], given.base_rate)}
    for name, others in _rivals(texts[:labelled], given.words).items():
        figures[name] = _figure(others, toxic[:labelled], given.base_rate)
    model = fit_calibrated(texts, toxic, seed=SEED + 1, **how)
    ordinary = {place.name: _called_toxic(model, _pieces(place, PIECES)) for place in given.harmless_held_out}
    card = {
        "version": 2,
        "source": given.source,
        "labels_sha256": file_hash(given.labels),
        "texts": labelled,
        "toxic": sum(toxic),
        "harmless_pieces": {place.name: file_hash(place) for place in given.harmless},
        "base_rate": given.base_rate,
        "held_out": figures,
        "ordinary_called_toxic": ordinary,
        "limits": "1,000 English social-media comments and pieces of edited prose: other languages, irony, quotation, "
        "polite hate and long texts are beyond it, and words about groups of people can raise its score without any "
        "abuse.",
    }
    save_toxicity(model._replace(card=card), given.out)
    for name, figure in figures.items():
        print(f"{name}: AUC {figure['auc']['value']:.3f}, calibration error {figure['calibration_error']:.3f}")
    for name, share in ordinary.items():
        print(f"{name}: {100 * share['value']:.1f} % of {share['n']} ordinary pieces called toxic")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--harmless", type=Path, action="append", default=[])
    parser.add_argument("--harmless-held-out", type=Path, action="append", default=[])
    parser.add_argument("--base-rate", type=float, default=BASE_RATE)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--words", type=Path, help="a word list to compare with, one term per line")
    return parser.parse_args()


def _pieces(place: Path, n: int) -> list[str]:
    return fragments([str(row["text"]) for row in read_rows(place).rows], n, seed=SEED)


def _figure(scores: list[float], toxic: list[bool], base_rate: float) -> dict[str, Any]:
    return validate(scores, toxic, base_rate=base_rate).to_json()


def _rivals(texts: list[str], words: Path | None) -> dict[str, list[float]]:
    found = {
        "lexicon and rules of `data check`": [toxicity(Worded(Text("text", "document", text))).value for text in texts]
    }
    if words:
        terms = [re.escape(term) for term in words.read_text(encoding="utf-8").split("\n") if term.strip()]
        pattern = re.compile(rf"(?<!\w)(?:{'|'.join(terms)})(?!\w)", re.IGNORECASE)
        found[f"word list {words.name}"] = [float(pattern.search(text) is not None) for text in texts]
    return found


def _called_toxic(model: ToxicityModel, texts: list[str]) -> dict[str, Any]:
    scores = [score for text in texts if (score := model.score(text)) is not None]
    return wilson(sum(score >= TOXIC for score in scores), len(scores)).to_json()


if __name__ == "__main__":
    main()
