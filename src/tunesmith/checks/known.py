"""All checks by name, with their settings. A new one is a file with check and settings, and three lines here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from tunesmith.checks.broken import BrokenCheck, BrokenConfig
from tunesmith.checks.check import Check
from tunesmith.checks.coverage import Coverage, CoverageConfig
from tunesmith.checks.diversity import Diversity, DiversityConfig
from tunesmith.checks.duplicates import Duplicates, DuplicatesConfig
from tunesmith.checks.leakage import Leakage, LeakageConfig, Reference, SplitLeakage
from tunesmith.checks.near import NearSettings
from tunesmith.checks.noise import NoiseCheck, NoiseConfig
from tunesmith.checks.one_task import OneTask, OneTaskConfig
from tunesmith.checks.outliers import Outliers, OutliersConfig
from tunesmith.checks.pii import PiiCheck, PiiConfig
from tunesmith.checks.prompt_clarity import PromptClarityCheck, PromptClarityConfig
from tunesmith.checks.tokens import TokensCheck, TokensConfig
from tunesmith.checks.toxicity import ToxicityCheck, ToxicityConfig
from tunesmith.core.config import Strict
from tunesmith.core.errors import ConfigError
from tunesmith.core.nearest import did_you_mean
from tunesmith.text.chat_template import open_template


class CheckSettings(Strict):
    """The settings of every check, each under its name."""

    broken: BrokenConfig = Field(BrokenConfig(), description="damaged texts")
    noise: NoiseConfig = Field(NoiseConfig(), description="answers that teach nothing good")
    pii: PiiConfig = Field(PiiConfig(), description="personal data and secrets")
    toxicity: ToxicityConfig = Field(ToxicityConfig(), description="toxicity")
    tokens: TokensConfig = Field(TokensConfig(), description="lengths in tokens")
    prompt_clarity: PromptClarityConfig = Field(PromptClarityConfig(), description="unclear prompts")
    duplicates: DuplicatesConfig = Field(DuplicatesConfig(), description="rows that repeat others")
    leakage: LeakageConfig = Field(LeakageConfig(), description="texts of the files that --against names")
    split_leakage: NearSettings = Field(NearSettings(), description="prompts in two splits")
    outliers: OutliersConfig = Field(OutliersConfig(), description="rows far from the rest")
    diversity: DiversityConfig = Field(DiversityConfig(), description="how evenly the rows are spread")
    coverage: CoverageConfig = Field(CoverageConfig(), description="tasks and scenarios")
    one_task: OneTaskConfig = Field(OneTaskConfig(), description="one mapping or several")


@dataclass(frozen=True, slots=True)
class CheckPlan:
    """Which checks to build and how: hashable, and handed to every worker once, which builds its own."""

    names: tuple[str, ...]
    settings: str = "{}"  # CheckSettings as JSON
    model: str = ""  # a folder with a tokenizer; the tokens check needs one
    max_length: int = 0
    several_files: bool = False  # whether files without labels may be splits
    reference: Reference | None = None  # what the leakage check looks for


# In the order of the report.
KNOWN: Mapping[str, Callable[[CheckSettings, CheckPlan], Check[Any]]] = {
    "broken": lambda settings, plan: BrokenCheck(settings.broken),
    "pii": lambda settings, plan: PiiCheck(settings.pii),
    "noise": lambda settings, plan: NoiseCheck(settings.noise),
    "toxicity": lambda settings, plan: ToxicityCheck(settings.toxicity),
    "tokens": lambda settings, plan: TokensCheck(settings.tokens, open_template(Path(plan.model)), plan.max_length),
    "prompt_clarity": lambda settings, plan: PromptClarityCheck(settings.prompt_clarity),
    "duplicates": lambda settings, plan: Duplicates(settings.duplicates),
    "leakage": lambda settings, plan: Leakage(_reference(plan), settings.leakage),
    "split_leakage": lambda settings, plan: SplitLeakage(settings.split_leakage, by_file=plan.several_files),
    "outliers": lambda settings, plan: Outliers(settings.outliers),
    "diversity": lambda settings, plan: Diversity(settings.diversity),
    "coverage": lambda settings, plan: Coverage(settings.coverage),
    "one_task": lambda settings, plan: OneTask(settings.one_task),
}

SOURCES: Mapping[str, str] = {
    check.name: check.source
    for check in (
        *(BrokenCheck, PiiCheck, NoiseCheck, ToxicityCheck, TokensCheck, PromptClarityCheck),
        *(Duplicates, Leakage, SplitLeakage, Outliers, Diversity, Coverage, OneTask),
    )
}


def build(plan: CheckPlan) -> list[Check[Any]]:
    """Return the checks of a plan, in the order of `KNOWN`."""
    settings = CheckSettings.model_validate_json(plan.settings, strict=True)
    return [make(settings, plan) for name, make in KNOWN.items() if name in plan.names]


def _reference(plan: CheckPlan) -> Reference:
    if plan.reference is None:
        raise ConfigError("leakage needs reference files", where="--checks leakage", remedy="give --against FILE")
    return plan.reference


def chosen(names: Sequence[str], *, against: bool = False) -> tuple[str, ...]:
    """Return the names that were asked for, in the order of `KNOWN`; if none was, all of them that can be run.

    `against` says whether there are reference files, which leakage needs.

    Raises:
        ConfigError: there is no check of that name, or only one of leakage and reference files was given.
    """
    if "leakage" in names and not against:
        raise ConfigError("leakage needs reference files", where="--checks leakage", remedy="give --against FILE")
    if against and names and "leakage" not in names:
        raise ConfigError("--against needs the leakage check", where="--checks", remedy="add leakage to --checks")
    for name in names:
        if name not in KNOWN:
            remedy = did_you_mean(name, KNOWN) or f"known: {', '.join(KNOWN)}"
            raise ConfigError(f"unknown check {name!r}", where="--checks", remedy=remedy)
    return tuple(name for name in KNOWN if (name in names if names else against or name != "leakage"))
