"""The short table at the end of a run: the report's numbers, on screen."""

from __future__ import annotations

from rich.console import Group
from rich.table import Table
from rich.text import Text

from tunesmith.evaluate.headline import findings, headline
from tunesmith.evaluate.results import ModelResult, Results
from tunesmith.evaluate.wording import JUDGED, in_order, interval, model_name, pair_name, percent
from tunesmith.statistics.rates import Rate

STYLES = {"good": "green", "neutral": "", "bad": "red"}


def terminal_summary(results: Results) -> Group:
    """Return what to print: headline, models, win rates, findings; parts that were not measured are absent."""
    lead = headline(results)
    parts: list[Text | Table] = [Text(lead.text, style=f"bold {STYLES[lead.tone]}".strip())]
    if any(_measured(model) for model in results.models.values()):
        parts.append(_models(results))
    if results.win_rates:
        parts.append(_win_rates(results))
    parts += [Text(f"• {finding.text}", style=STYLES[finding.tone]) for finding in findings(results)]
    return Group(*parts)


def _measured(model: ModelResult) -> bool:
    return model != ModelResult()


def _models(results: Results) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("model", *JUDGED, "perplexity"):
        table.add_column(name.replace("_", " "), justify="left" if name == "model" else "right", no_wrap=True)
    for key in in_order(results.models):
        model = results.models[key]
        perplexity = "–" if model.perplexity is None else f"{model.perplexity:.2f}"
        table.add_row(model_name(key), *(_cell(getattr(model, name)) for name in JUDGED), perplexity)
    return table


def _win_rates(results: Results) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("preferred", "gold judge", "held-out labelers", "n"):
        table.add_column(name, justify="left" if name == "preferred" else "right", no_wrap=True)
    for key, result in results.win_rates.items():
        table.add_row(pair_name(key), _cell(result.gold), _cell(result.labelers), str(result.gold.n))
    return table


def _cell(rate: Rate | None) -> str:
    return "–" if rate is None else f"{percent(rate.value)} ({interval(rate)})"
