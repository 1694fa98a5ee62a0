"""An A/B test under a model's name: who asks it is always answered by their arm, and is not told which that is.

Who somebody is: the API key's name; with a `user` field, `KEY/USER`, or `USER` where no key is asked for. The test is
read anew at each ask, so `tunesmith ab stop` and `promote` take effect at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from starlette.concurrency import run_in_threadpool

from tunesmith.core.errors import ConfigError
from tunesmith.core.records import Message
from tunesmith.serve.reply_record import ReplyRecord
from tunesmith.serve.served_model import Answer, Ask, ServedModel
from tunesmith.store.database import Database
from tunesmith.store.experiment import log
from tunesmith.store.experiment.experiments import Experiment, Variant, assign, get
from tunesmith.web.refusal import Refusal

MEASURED = ("vote", "seconds", "first_token_seconds")


def person(key: str, user: str) -> str:
    """Return the name under which an experiment knows somebody; empty where nothing is known."""
    return f"{key}/{user}" if key and user else key or user


class ExperimentModel:
    """See `ServedModel`. `arms` has the model of each arm: of a test of prompts, every arm's is the same."""

    folder = ""
    waiting = 0

    def __init__(self, database: Database, experiment: Experiment, arms: Mapping[str, ServedModel]) -> None:
        self.name = experiment.name
        self.created = int(experiment.created_at)
        lengths = [model.max_length for model in arms.values()]
        self.max_length = min(lengths) if all(lengths) else 0
        self._arms = arms
        self._database = database

    @property
    def fits_context(self) -> bool:
        """Whether every arm can read pages."""
        return all(model.fits_context for model in self._arms.values())

    @property
    def ready(self) -> bool:
        """Whether every arm can answer now."""
        return all(model.ready for model in self._arms.values())

    async def start(self, ask: Ask) -> Answer:
        """Let the asker's arm answer; see `ServedModel.start`.

        Raises:
            Refusal: it is not said who asks, so that nobody could be given the same arm again.
        """
        who = person(ask.key, ask.user)
        if not who:
            text = f"{self.name} is an A/B test: say who asks in the field `user`, so that they always get the same arm"
            raise Refusal(400, text, code="user_needed", param="user")
        experiment, arm = await run_in_threadpool(self._assigned, who)
        if experiment.kind == "prompt":
            ask = replace(ask, messages=with_system(arm.value, ask.messages))
        answer = await self._arms[arm.name].start(ask)
        answer.read = replace(answer.read, arm=arm.name)
        return answer

    def close(self, grace_s: float) -> None:
        """Do nothing: the arms' models are served, and closed, under their own names."""

    def _assigned(self, who: str) -> tuple[Experiment, Variant]:
        with self._database.read() as connection:
            experiment = get(connection, self.name)
        return experiment, assign(experiment, who)


def with_system(prompt: str, messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Return a chat with a system prompt before everything; one that the client gave follows in the same message."""
    if messages and messages[0].role == "system":
        return (Message("system", f"{prompt}\n\n{messages[0].content}"), *messages[1:])
    return (Message("system", prompt), *messages)


def models_of(experiment: Experiment, served: Mapping[str, ServedModel], *, model: str = "") -> dict[str, ServedModel]:
    """Return the model of each arm. Of a test of prompts it is `model`, or the first that is served.

    Raises:
        ConfigError: an arm's model is not served.
    """
    if experiment.kind == "prompt":
        wanted = {arm.name: model or next(iter(served)) for arm in experiment.arms}
    else:
        wanted = {arm.name: arm.value.strip() for arm in experiment.arms}
    for arm, name in wanted.items():
        if name not in served:
            known = ", ".join(served)
            remedy = f"serve it under that name: tunesmith serve {name}=RUN; served are {known}"
            raise ConfigError(f"its arm {arm} needs the model {name!r}", where=f"--ab {experiment.name}", remedy=remedy)
    return {arm: served[name] for arm, name in wanted.items()}


class ExperimentLog:
    """What `create_app` is told to do with a reply that is over: log the exposure, and how long it took."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def __call__(self, record: ReplyRecord) -> None:
        """Log a reply of an experiment; others are passed over."""
        if not record.arm:
            return
        times = {"seconds": record.timings.total_s, "first_token_seconds": record.timings.first_token_s}
        whole = all(one.finish is not None for one in record.completions)
        with self.database.write() as connection:
            experiment = get(connection, record.asked_model)
            log.expose(connection, experiment, person(record.key, record.user), now=record.created, reply_id=record.id)
            for metric, value in times.items():
                if value is not None and whole:  # a reply that the person stopped says nothing about its whole length
                    log.record_of_reply(connection, record.id, metric, value, now=record.created + value)


def experiment_models(
    database: Database, names: Mapping[str, str], served: Mapping[str, ServedModel]
) -> list[ExperimentModel]:
    """Return the experiments as models; `names` maps each to the model of a test of prompts, or to nothing.

    Raises:
        ConfigError: there is no such experiment, a model has its name, or an arm's model is not served.
    """
    found = []
    for name, model in names.items():
        with database.read() as connection:
            experiment = get(connection, name)
        if name in served:
            raise ConfigError(
                "a model has the experiment's name", where=f"--ab {name}", remedy="serve it as NAME=MODEL"
            )
        found.append(ExperimentModel(database, experiment, models_of(experiment, served, model=model)))
    return found
