"""The short table at the end of a run: the report's numbers, on screen."""

from __future__ import annotations

import io

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from tunesmith.evaluate.headline import findings, headline
from tunesmith.evaluate.results import ModelResult, Results
from tunesmith.evaluate.wording import JUDGED, in_order, interval, model_name, pair_name, percent, sample_size
from tunesmith.statistics.rates import Rate

WIDTH = 80  # every terminal has that much
STYLES = {"good": "green", "neutral": "", "bad": "red"}


def terminal_summary(results: Results) -> Group:
    """Return what to print: headline, models, win rates, findings; parts that were not measured are absent."""
    lead = headline(results)
    parts: list[Text | Table] = [Text(lead.text, style=f"bold {STYLES[lead.tone]}".strip()), Text()]
    if any(_measured(model) for model in results.models.values()):
        parts += [_models(results), Text()]
    if results.win_rates:
        parts += [_win_rates(results), Text()]
    found = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1, 0, 0))
    for finding in findings(results):
        found.add_row("•", Text(finding.text, style=STYLES[finding.tone]))
    return Group(*parts, found)


def summary_text(results: Results) -> list[str]:
    """Return the same as lines of plain text."""
    text = io.StringIO()
    Console(file=text, width=WIDTH, no_color=True).print(terminal_summary(results))
    return [line.rstrip() for line in text.getvalue().splitlines()]


def _measured(model: ModelResult) -> bool:
    return model != ModelResult()


def _models(results: Results) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    if sizes := _sizes(results):
        table.caption, table.caption_justify = f"below each rate its 95 % interval\n{sizes}", "left"
    for name in ("model", *JUDGED, "perplexity"):
        table.add_column(name.replace("_", " "), justify="left" if name == "model" else "right", no_wrap=True)
    for key in in_order(results.models):
        model = results.models[key]
        perplexity = "–" if model.perplexity is None else f"{model.perplexity:.2f}"
        table.add_row(model_name(key), *(_tall_cell(getattr(model, name)) for name in JUDGED), perplexity)
    return table


def _sizes(results: Results) -> str:
    """Return how many answers are behind the rates, once for those that have the same number; "" without a rate."""
    names: dict[str, list[str]] = {}
    for name in JUDGED:
        rates = [rate for model in results.models.values() if (rate := getattr(model, name)) is not None]
        if rates:
            names.setdefault(sample_size(rates), []).append(name.replace("_", " "))
    return next(iter(names)) if len(names) == 1 else "; ".join(f"{', '.join(of)}: {n}" for n, of in names.items())


def _win_rates(results: Results) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("preferred", "gold judge", "held-out labelers", "n"):
        table.add_column(name, justify="left" if name == "preferred" else "right", no_wrap=True)
    for key, result in results.win_rates.items():
        table.add_row(pair_name(key), _cell(result.gold), _cell(result.labelers), str(result.gold.n))
    return table


def _tall_cell(rate: Rate | None) -> str:
    """The interval stands below, so that four rates fit beside each other."""
    return "–" if rate is None else f"{percent(rate.value)}\n{100 * rate.low:.1f}–{100 * rate.high:.1f}"


def _cell(rate: Rate | None) -> str:
    return "–" if rate is None else f"{percent(rate.value)} ({interval(rate)})"
