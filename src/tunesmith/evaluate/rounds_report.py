"""`rounds.html` and `rounds.json`: gold quality by round with intervals, what was promoted, and why the loop ended."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes

from tunesmith.core.run_context import RunResult
from tunesmith.evaluate import wording
from tunesmith.evaluate.figure import new_figure, role, style_axes, to_svg
from tunesmith.evaluate.page import page_template
from tunesmith.evaluate.rounds import RoundResult
from tunesmith.statistics.rates import Rate
from tunesmith.train.durable import json_bytes, replace_file

_ENDS = {
    "start": "no round was run",
    "promoted": "all rounds were run",
    "not better": "round {n} was not better than the promoted policy, beyond its interval",
    "over-optimised": "round {n} pleased the reward model more and the gold judge less: over-optimisation",
}

_COLOURS = {"start": "model-sft", "promoted": "good", "not better": "muted", "over-optimised": "bad"}


def write_rounds(done: Sequence[RoundResult], out: Path, *, command: str, to_rank: str = "") -> RunResult:
    """Write both files and return the loop's result; `to_rank` is the work that people have to do before it goes on."""
    last = done[-1]
    ended = f"waiting for rankings of {to_rank}" if to_rank else _ENDS[last.verdict].format(n=last.number)
    body: dict[str, Any] = {"rounds": [one.to_json() for one in done], "policy": last.policy, "ended": ended}
    replace_file(out / "rounds.json", json_bytes(body))
    page = page_template("rounds.html.j2")
    promoted = [one for one in done if one.verdict == "promoted"]
    html = page.render(
        rounds=done, ended=ended, promoted=promoted, plot=Markup(_plot(done)), command=command, policy=last.policy,
        percent=wording.percent, interval=wording.interval, signed=wording.signed,
    )  # fmt: skip
    replace_file(out / "rounds.html", html.encode())
    quality = {f"round {one.number}": one.quality.to_json() for one in done}
    follow = f"tunesmith label add {to_rank} --task {Path(to_rank).parent.name}" if to_rank else ""
    return RunResult(
        out=out,
        summary={"ended": ended, "promoted": len(promoted), "quality": quality, "policy": last.policy},
        artefacts={"report": str(out / "rounds.html"), "rounds": str(out / "rounds.json"), "model": last.policy},
        next_command=follow or f"tunesmith chat {last.policy}",
    )


def _plot(done: Sequence[RoundResult]) -> str:
    figure = new_figure(9.4, 3.2)
    compared = [(one, one.over_start) for one in done if one.over_start is not None]
    axes = figure.subplots(1, 2 if compared else 1, squeeze=False, gridspec_kw={"wspace": 0.1})[0]
    _draw(axes[0], [(one, one.quality) for one in done], "held-out tasks solved")
    if compared:
        _draw(axes[1], compared, "preferred to the start")
        axes[1].axhline(0.5, color=role("muted"), linewidth=1)
    return to_svg(figure, name="rounds", label="Gold quality by round with 95 % intervals")


def _draw(axes: Axes, rounds: Sequence[tuple[RoundResult, Rate]], label: str) -> None:
    style_axes(axes, grid="y")
    for one, rate in rounds:
        reach = [[max(0.0, rate.value - rate.low)], [max(0.0, rate.high - rate.value)]]
        colour = role(_COLOURS[one.verdict])
        axes.errorbar([one.number], [rate.value], yerr=reach, fmt="o", color=colour, capsize=3, markersize=7)
        text = wording.percent(rate.value)
        axes.annotate(
            text, (one.number, rate.value), (9, 0), textcoords="offset points", va="center", color=role("ink")
        )
    names = ["start" if one.number == 0 else f"round {one.number}\n{one.verdict}" for one, _ in rounds]
    numbers = [one.number for one, _ in rounds]
    axes.set_xticks(numbers, names)
    axes.set(xlim=(min(numbers) - 0.5, max(numbers) + 0.7), ylabel=label)
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.spines["left"].set_visible(False)
