"""`python -m benchmarks.data_worth --out DIR [--rows 3000] [--seeds 0,1,2]`: is it worth it to clean, vary and balance?

For each seed the shipped base is fine-tuned, the same number of steps each time, on

- `untouched`: demonstrations of the built-in desk;
- `raw`: the same ones, damaged as scraped data is: 45 % have one of ten faults, and a tenth stand there twice;
- `cleaned`: `raw` after `data check` and `data clean`, by the commands that a user would give;
- `augmented`: `cleaned` with the variants of `data augment`: noise and other words, a tenth of the rows each;
- `noised`: `cleaned` with noise alone, as much in a row as in the noisy test, six kinds, each in a sixth of the rows;
- `lopsided`: as many other demonstrations, 80 % of them of one task;
- `even`: as many, each task equally often.

All answer the same held-out prompts, once as people wrote them and once with typing errors (`noisy`); the gold judge
says what was solved. DIR/results.json has every rate; the table gives success in each seed and the mean difference with
its 95 % interval over seeds.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from benchmarks.planted_faults import FAULTS, PLACEHOLDERS, REFUSALS, Row, answered, planted_with
from tunesmith.cli.main import main as tunesmith
from tunesmith.core.records import Demonstration, Prompt
from tunesmith.core.run_context import RunContext
from tunesmith.desk import demonstrations, prompts
from tunesmith.evaluate.desk_eval import ModelOutputs, desk_eval
from tunesmith.formats import openai_chat
from tunesmith.formats import write as write_records
from tunesmith.make.augment.augment import Strength, augment
from tunesmith.make.augment.known import METHODS
from tunesmith.model.generate import Sampling
from tunesmith.recipes import sft
from tunesmith.recipes.answer import answer
from tunesmith.recipes.quickstart_config import SFT
from tunesmith.recipes.quickstart_parts import EVALUATE
from tunesmith.recipes.stage import open_model
from tunesmith.statistics.few import mean_of_few

HEAVY = "closed_qa"  # what the lopsided set is full of
FIXES = "unicode,html,invisible,boilerplate,whitespace,duplicates"
DROPS = "noise.refusal,noise.placeholder,noise.copies_prompt,noise.language,noise.repetition,noise.boilerplate"
NOISE = tuple(name for name, method in METHODS.items() if method.answer == "kept" and method.scenario == "noisy")
PLANTED = (
    "broken.mojibake", "broken.html", "broken.invisible", "noise.boilerplate", "noise.copies_prompt",
    "noise.language", "noise.repetition",
)  # fmt: skip
SETS = ("untouched", "raw", "cleaned", "augmented", "noised", "even", "lopsided")
BASELINE = {
    "cleaned": "raw",
    "augmented": "cleaned",
    "noised": "cleaned",
    "untouched": "raw",
    "lopsided": "untouched",
    "even": "untouched",
}


def row_of(one: Demonstration) -> Row:
    """Return a chat row as it stands in a file."""
    return openai_chat.dump(one).rows[0]


def damaged(rows: Sequence[Demonstration], rng: random.Random) -> tuple[list[bytes], Counter[str]]:
    """Return lines of which 45 % have a fault and a tenth is repeated, shuffled, and how many have which."""
    faults = {name: FAULTS[name] for name in PLANTED}
    for name, pieces in (("refusal instead", REFUSALS), ("placeholder instead", PLACEHOLDERS)):
        faults[name] = answered(planted_with(pieces, instead=True))
    lines, counts = [], Counter[str]()
    for one in rows:
        name = rng.choice([*faults, "another row's answer"]) if rng.random() < 0.45 else ""
        row = row_of(one)
        line = faults[name](row, rng) if name in faults else None
        if name and line is None:  # a wrong answer; also where a fault does not suit the row
            name, row = "another row's answer", row_of(one)
            row["messages"][-1]["content"] = rng.choice(rows).completion
        lines.append(line or json.dumps(row, ensure_ascii=False).encode())
        counts[name or "none"] += 1
    again = rng.sample(lines, len(lines) // 10)
    counts["repeated"] = len(again)
    lines += again
    rng.shuffle(lines)
    return lines, counts


def of_tasks(rows: int, seed: int, *, share: float | None) -> list[Demonstration]:
    """Return demonstrations of which `share` are of the heavy task; None: of each task equally many."""
    pool: dict[str, list[Demonstration]] = {}
    for one in demonstrations(12 * rows, seed=seed + 50, split="train"):
        pool.setdefault(str(one.meta["task"]), []).append(one)
    if share is None:
        return [one for task in sorted(pool) for one in pool[task][: rows // len(pool)]]
    heavy = round(share * rows)
    others = [one for task in sorted(pool) if task != HEAVY for one in pool[task]]
    return pool[HEAVY][:heavy] + random.Random(seed).sample(others, rows - heavy)


def command(*words: str) -> None:
    """Give a command as a user would."""
    print("$ tunesmith", *words, file=sys.stderr)
    code = tunesmith([*words, "--quiet"])
    if code:
        raise SystemExit(f"exit {code}")


def training_sets(folder: Path, rows: int, seed: int) -> tuple[dict[str, str], Counter[str]]:
    """Make the training sets by the tool's own commands; returns name -> file or snapshot, and the planted faults."""
    asked = demonstrations(rows, seed=seed, split="train")
    lines, counts = damaged(asked, random.Random(seed))
    folder.mkdir(parents=True, exist_ok=True)
    raw = str(folder / "raw.jsonl")
    Path(raw).write_bytes(b"\n".join(lines) + b"\n")
    cleaned, augmented, noised, checked = (str(folder / x) for x in ("cleaned", "augmented", "noised", "checked"))
    if not Path(noised).exists():
        command("data", "check", raw, "--out", checked, "--fail-on", "never")
        findings = f"{checked}/findings.jsonl"
        command("data", "clean", raw, "--fix", FIXES, "--drop", DROPS, "--findings", findings, "--out", cleaned)
        ways = ",".join((*NOISE, "synonyms", "paraphrase"))
        command("data", "augment", cleaned, "--method", ways, "--seed", str(seed), "--out", augmented)
        strength = ("--set", f"share={1 / len(NOISE):.3f}", "--set", "rate=0.2")
        ways = ",".join(NOISE)
        command("data", "augment", cleaned, "--method", ways, *strength, "--seed", str(seed), "--out", noised)
    sets = {"raw": raw, "cleaned": cleaned, "augmented": augmented, "noised": noised}
    chosen = {"untouched": asked, "lopsided": of_tasks(rows, seed, share=0.8), "even": of_tasks(rows, seed, share=None)}
    for name, found in chosen.items():
        sets[name] = str(folder / f"{name}.jsonl")
        write_records(found, Path(sets[name]), format=openai_chat.NAME)
    return sets, counts


def noisy(asked: Sequence[Prompt], seed: int) -> list[Prompt]:
    """Return the prompts with typing errors: one kind each, a fifth of the words; a few may not suit and stay."""
    rng, found = random.Random(seed), []
    for index, prompt in enumerate(asked):
        chosen = METHODS[rng.choice(NOISE)]
        made = augment([prompt], [chosen], strength=Strength(share=1.0, rate=0.2), seed=seed + index)
        found.append(cast(Prompt, made.variants[0]) if made.variants else prompt)
    return [Prompt(messages=new.messages, meta=old.meta) for new, old in zip(found, asked, strict=True)]


def one_seed(folder: Path, rows: int, seed: int, *, tests: int, steps: int, known: dict[str, Any]) -> dict[str, Any]:
    """Train and measure every set that is not `known` from an earlier run; returns success by set, test and task."""
    sets, counts = training_sets(folder, rows, seed)
    plain = prompts(tests, seed=seed + EVALUATE, split="test")
    asked = {"plain": plain, "noisy": noisy(plain, seed)}
    changed = sum(a.messages != b.messages for a, b in zip(*asked.values(), strict=True))
    results: dict[str, Any] = {"faults": counts, "noisy_prompts_changed": changed, "sets": dict(known)}
    for name, data in sets.items():
        if name in known:
            continue
        place = {"model": "desk", "data": (data,), "out": str(folder / f"sft-{name}"), "seed": seed}
        config = SFT.model_copy(update={**place, "max_steps": steps})
        tuned = sft.run(config, RunContext(log=lambda line: print(line, file=sys.stderr)))
        model, _ = open_model(str(folder / f"sft-{name}" / "model"))
        found: dict[str, Any] = {"rows": tuned.summary["rows"]}
        for test, questions in asked.items():
            sampling = Sampling(max_tokens=48, temperature=0.7, seed=seed)
            given = answer(model, questions, model.chat_template(), sampling)
            outputs = {name: ModelOutputs(given.first_texts(), given.token_counts())}
            result = desk_eval(plain, outputs, versus=[], labelers=[], seed=seed).models[name]
            found[test] = result.model_dump(mode="json", include={"success", "by_task"})
        results["sets"][name] = found
        print(seed, name, {t: found[t]["success"] for t in asked}, file=sys.stderr)
    return results


def table(results: dict[int, dict[str, Any]]) -> list[str]:
    """Return the table for people."""
    lines = ["| test | trained on | " + " | ".join(f"seed {s}" for s in results) + " | against | points |"]
    lines.append("|---" * (len(results) + 4) + "|")
    for test in ("plain", "noisy"):
        rates = {
            name: [100 * found["sets"][name][test]["success"]["value"] for found in results.values()] for name in SETS
        }
        for name, values in rates.items():
            other = BASELINE.get(name, "")
            gain = ""
            if other and len(values) > 1:
                mean = mean_of_few([a - b for a, b in zip(values, rates[other], strict=True)])
                gain = f"{mean.value:+.1f} ({mean.low:+.1f} to {mean.high:+.1f})"
            cells = " | ".join(f"{value:.1f} %" for value in values)
            lines.append(f"| {test} | {name} | {cells} | {other} | {gain} |")
    return lines


def main() -> None:
    """Run the experiment."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.data_worth", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--tests", type=int, default=500, help="held-out prompts")
    parser.add_argument("--steps", type=int, default=150, help="optimizer steps of 24 rows each")
    parser.add_argument("--seeds", default="0,1,2")
    asked = parser.parse_args()
    file = asked.out / "results.json"
    earlier = json.loads(file.read_text()) if file.exists() else {}
    results = {}
    for seed in map(int, asked.seeds.split(",")):
        folder, known = asked.out / f"seed-{seed}", earlier.get(str(seed), {}).get("sets", {})
        results[seed] = one_seed(folder, asked.rows, seed, tests=asked.tests, steps=asked.steps, known=known)
        file.write_text(json.dumps(earlier | {str(s): found for s, found in results.items()}, indent=1))
    print("\n".join(table(results)))


if __name__ == "__main__":
    main()
