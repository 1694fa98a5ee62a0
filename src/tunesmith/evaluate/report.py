"""`report.html`: one file that shows what a run measured, readable offline and without scripts, in light and dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup

from tunesmith.evaluate import charts, wording
from tunesmith.evaluate.charts import Panel
from tunesmith.evaluate.headline import MAIN_PAIR, findings, headline
from tunesmith.evaluate.instructgpt import instructgpt_table, language_tax
from tunesmith.evaluate.page import page_template
from tunesmith.evaluate.results import ModelResult, Results
from tunesmith.evaluate.samples import Sample
from tunesmith.statistics.rates import Rate
from tunesmith.train.durable import replace_file


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDetails:
    """What a report shows beside `results.json`; each part is left out of the page where it is empty.

    `panels` are training curves, `reproduce` shell lines, `provenance` names and values such as hashes and versions,
    `notes` sentences that a reader must know.
    """

    title: str = "Run report"
    samples: Sequence[Sample] = ()
    panels: Sequence[Panel] = ()
    reproduce: Sequence[str] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()


class Tile(NamedTuple):
    """One of the large numbers at the top."""

    label: str
    value: str
    detail: str


class StageRow(NamedTuple):
    """One stage's time; `share` of the total in 0..1."""

    name: str
    time: str
    share: float
    tokens_per_second: float | None


def write_report(results: Results, details: ReportDetails, path: Path) -> None:
    """Render and write the page in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, render_report(results, details).encode())


def render_report(results: Results, details: ReportDetails) -> str:
    """Return the page. Text that people or models wrote is escaped; nothing in it loads anything from anywhere."""
    return page_template("report.html.j2").render(
        results=results,
        details=details,
        headline=headline(results),
        findings=findings(results),
        tiles=_tiles(results),
        instructgpt=instructgpt_table(results),
        charts=_charts(results),
        sizes={
            name: wording.sample_size(rates.values()) for name in wording.JUDGED if (rates := _rates(results, name))
        },
        panels=[(p.title, Markup(charts.line_plot(p, name=f"panel{i}"))) for i, p in enumerate(details.panels)],
        scenarios=_scenarios(results.models),
        models=wording.in_order(results.models),
        measured=_measured(results.models),
        stages=_stages(results),
        total=wording.duration(results.seconds["total"]),
    )


def _tiles(results: Results) -> list[Tile]:
    tiles: list[Tile] = []
    main = results.win_rates.get(MAIN_PAIR)
    if main is not None:
        tiles.append(_tile("PPO-ptx preferred to SFT, gold judge", main.gold))
        if main.labelers is not None:
            tiles.append(_tile("PPO-ptx preferred to SFT, held-out labelers", main.labelers))
    solved = _rates(results, "success")
    last = next((key for key in ("ppo_ptx", "sft") if key in solved), None)
    if last is not None:
        rate = solved[last]
        earlier = [(k, solved[k]) for k in ("base", "sft") if k != last and k in solved]
        before = [f"{wording.model_name(k)} {wording.percent(r.value)}" for k, r in earlier]
        detail = f"{wording.interval(rate)}, n = {rate.n}" + (f" · {', '.join(before)}" if before else "")
        tiles.append(Tile(f"Task success, {wording.model_name(last)}", wording.percent(rate.value), detail))
    reward = results.reward_model
    if reward is not None:
        rate = reward.accuracy_heldout_labelers or reward.accuracy
        tiles.append(_tile("Reward-model accuracy", rate))
    if not tiles:
        return []
    memory = f"peak memory {results.peak_memory_gib:.1f} GiB · seed {results.seed}"
    return [*tiles, Tile("Time", wording.duration(results.seconds["total"]), memory)]


def _tile(label: str, rate: Rate) -> Tile:
    return Tile(label, wording.percent(rate.value), f"{wording.interval(rate)}, n = {rate.n}")


def _charts(results: Results) -> dict[str, Markup]:
    """Return the SVG of each chart that the run has numbers for."""
    drawn: dict[str, str] = {}
    for name in wording.JUDGED:
        if rates := _rates(results, name):
            drawn[name] = charts.rate_bars(rates, name=name, label=f"{name.replace('_', ' ')} rate by model")
    if any(model.by_task for model in results.models.values()):
        drawn["tasks"] = charts.task_dots(results.models)
    if results.win_rates:
        drawn["wins"] = charts.win_rate_dots(results.win_rates)
    if results.reward_model is not None and results.reward_model.reliability:
        drawn["calibration"] = charts.calibration_plot(results.reward_model.reliability)
    if tax := language_tax(results):
        drawn["tax"] = charts.tax_bars(tax)
    if results.overoptimisation is not None and results.overoptimisation.points:
        drawn["overoptimisation"] = charts.overoptimisation_plot(results.overoptimisation)
    if results.best_of_n is not None and results.best_of_n.points:
        drawn["best_of_n"] = charts.overoptimisation_plot(results.best_of_n)
    return {name: Markup(svg) for name, svg in drawn.items()}


def _rates(results: Results, name: str) -> dict[str, Rate]:
    return {key: rate for key, model in results.models.items() if (rate := getattr(model, name)) is not None}


def _scenarios(models: Mapping[str, ModelResult]) -> list[dict[str, Any]]:
    """Return the heat table: a row per scenario with each model's rate, None where the model lacks it."""
    found: list[dict[str, Any]] = []
    for name in sorted({name for model in models.values() for name in model.by_scenario}):
        rates = [models[key].by_scenario.get(name) for key in wording.in_order(models)]
        found.append({"name": name, "rates": rates, "sizes": wording.sample_size(r for r in rates if r is not None)})
    return found


def _measured(models: Mapping[str, ModelResult]) -> list[tuple[str, ModelResult]]:
    """Return the rows of the table of plain numbers: models for which at least one was measured."""
    rows = [(wording.model_name(key), models[key]) for key in wording.in_order(models)]
    return [(name, m) for name, m in rows if (m.perplexity, m.mean_tokens, m.distinct_2) != (None, None, None)]


def _stages(results: Results) -> list[StageRow]:
    total = max(results.seconds["total"], 1e-9)
    return [
        StageRow(name, wording.duration(seconds), min(1.0, seconds / total), results.tokens_per_second.get(name))
        for name, seconds in results.seconds.items()
        if name != "total"
    ]
