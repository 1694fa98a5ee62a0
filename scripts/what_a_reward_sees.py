"""What a reward model tells apart among a policy's own answers: true and untrue, right and wrong, plain and poorly put.

python scripts/what_a_reward_sees.py --policy runs/quickstart/sft --reward runs/quickstart/reward

For each pair of answers to one held-out prompt of which the gold judge says that one is better in that respect: how
often the score is higher for the better one (a tie counts half); the mean over prompts that have such pairs. Beside the
reward model stands the policy's own summed log-probability, at the temperature sampled at, and sums of the two.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from statistics import mean

from tunesmith.desk import judge, prompts
from tunesmith.desk.judge import Verdict
from tunesmith.model.generate import Sampling
from tunesmith.recipes.answer import answer
from tunesmith.recipes.evaluate import model_folder
from tunesmith.recipes.reward_scorer import RewardScorer
from tunesmith.recipes.stage import open_model

SHARES = (0.1, 0.3)
RESPECTS: dict[str, Callable[[Verdict], bool | None]] = {
    "true over untrue": lambda verdict: verdict.truthful,
    "right over wrong": lambda verdict: verdict.success,
    "plain over poor manner": lambda verdict: not verdict.habits if verdict.success else None,
}


def main() -> None:
    """Print one table for each temperature."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policy", required=True, help="folder or run of the SFT model")
    parser.add_argument("--reward", required=True, action="append", help="folder or run of a reward model; repeatable")
    parser.add_argument("--prompts", type=int, default=600)
    parser.add_argument("--completions", type=int, default=8)
    parser.add_argument("--seed", type=int, default=4242)
    args = parser.parse_args()
    policy, _ = open_model(model_folder(args.policy))
    asked = prompts(args.prompts, seed=args.seed, split="test")
    for temperature in (0.7, 1.0):
        sampling = Sampling(max_tokens=48, temperature=temperature, seed=3)
        found = answer(policy, asked, policy.chat_template(), sampling, completions=args.completions)
        verdicts = [[judge(p, t) for t in texts] for p, texts in zip(asked, found.texts, strict=True)]
        own = [[sum(g.logprobs) for g in row] for row in found.generated]
        print(f"temperature {temperature}: prompts with such pairs, then the share of pairs ordered rightly")
        _print("log-probability", own, verdicts)
        for folder in args.reward:
            scorer = RewardScorer(folder)
            scores = [scorer.score(p.messages, texts) for p, texts in zip(asked, found.texts, strict=True)]
            _print(folder, scores, verdicts)
            for share in SHARES:
                mixed = [[s + share * x for s, x in zip(*rows, strict=True)] for rows in zip(scores, own, strict=True)]
                _print(f"  + {share} log-probability", mixed, verdicts)


def _print(name: str, scores: Sequence[Sequence[float]], verdicts: Sequence[Sequence[Verdict]]) -> None:
    cells = []
    for respect, better in RESPECTS.items():
        shares = list(_shares(scores, [[better(v) for v in row] for row in verdicts]))
        cells.append(f"{respect} {len(shares)}, {100 * mean(shares):.1f} %" if shares else f"{respect}: none")
    print(f"{name:30} " + "; ".join(cells), flush=True)


def _shares(scores: Sequence[Sequence[float]], better: Sequence[Sequence[bool | None]]) -> Iterator[float]:
    """Yield for each prompt with a better and a worse answer how often the better one scores higher."""
    for row, kinds in zip(scores, better, strict=True):
        winners = [score for score, kind in zip(row, kinds, strict=True) if kind is True]
        losers = [score for score, kind in zip(row, kinds, strict=True) if kind is False]
        if winners and losers:
            yield mean((a > b) + 0.5 * (a == b) for a, b in product(winners, losers))


if __name__ == "__main__":
    main()
