"""An A/B test under a model's name, through the real application: sticky, blind, logged, and obedient to its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from tunesmith.core.errors import ConfigError
from tunesmith.core.opaque_token import hash_token
from tunesmith.core.records import Message
from tunesmith.serve.app import create_app
from tunesmith.serve.chat.mount import chat_page
from tunesmith.serve.experiment_model import experiment_models, person, with_system
from tunesmith.serve.settings import ServeSettings
from tunesmith.statistics.ab_test import Metric
from tunesmith.store.conversation.replies import get_reply
from tunesmith.store.database import Database, open_database
from tunesmith.store.experiment import experiments, log
from tunesmith.store.experiment.tables import outcomes

from .chat.scripted import ScriptedModel
from .chat.test_routes import ANN, Page

USERS = [f"user {number}" for number in range(24)]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(str(tmp_path / "ab.db"))
    yield opened
    opened.close()


def create(database: Database, *, kind: Any = "model", values: tuple[str, str] = ("sft", "ppo")) -> Any:
    arms = [
        experiments.Variant(name=name, share=0.5, value=value)
        for name, value in zip(("old", "new"), values, strict=True)
    ]
    metrics = [Metric(name="vote", better="higher"), Metric(name="seconds", better="lower", role="guardrail", margin=1)]
    with database.write() as connection:
        return experiments.create(connection, "live", kind=kind, arms=arms, metrics=metrics, now=1.0)


class Lab:
    """The application with a test, and the models behind it."""

    def __init__(self, database: Database, *, keys: dict[str, str] | None = None, key: str = "") -> None:
        self.database = database
        self.models = {name: ScriptedModel(name, say=lambda ask, name=name: [name]) for name in ("sft", "ppo")}
        tests = experiment_models(database, {"live": ""}, self.models)
        served = [*self.models.values(), *tests]
        page = chat_page(database, [one.name for one in served])
        app = create_app(ServeSettings(keys=keys or {}), served, **page)
        self.page = Page(TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False), key)

    def ask(self, user: str | None, **more: Any) -> Any:
        said = {"user": user} if user is not None else {}
        body = {"model": "live", "messages": [{"role": "user", "content": "Hello?"}], **said, **more}
        return self.page.post("/v1/chat/completions", body)

    def counts(self) -> log.Counts:
        with self.database.read() as connection:
            return log.counts(connection, experiments.get(connection, "live"))


def text(answer: Any) -> str:
    return str(answer.json()["choices"][0]["message"]["content"])


def test_the_same_user_always_gets_the_arm_of_their_hash(database: Database) -> None:
    made = create(database)
    lab = Lab(database)
    wanted = {user: experiments.assign(made, user).value for user in USERS}
    assert set(wanted.values()) == {"sft", "ppo"}
    for _ in range(2):
        assert {user: text(lab.ask(user)) for user in USERS} == wanted
    assert lab.counts() == (len(USERS), 2 * len(USERS), 2 * len(USERS))  # one `seconds` a reply


def test_nobody_is_told_their_arm_and_the_store_knows_it(database: Database) -> None:
    create(database)
    lab = Lab(database)
    talk = lab.page.begin()
    answer = lab.ask("ann", metadata={"conversation": talk})
    assert answer.json()["model"] == "live" and "arm" not in answer.text
    [shown] = lab.page.state(talk)["replies"]
    assert shown["model"] == "live"
    with database.read() as connection:
        kept = get_reply(connection, shown["id"])
    assert kept.origin["experiment"] == "live" and {"old": "sft", "new": "ppo"}[kept.origin["arm"]] == kept.model


def test_a_thumb_is_the_vote_and_the_first_one_counts(database: Database) -> None:
    made = create(database)
    lab = Lab(database)
    talk = lab.page.begin()
    reply = lab.ask("ann", metadata={"conversation": talk}).json()["id"]
    assert lab.counts().outcomes == 1
    for value in ("up", "none", "down"):
        assert lab.page.say(talk, "thumb", reply, value=value).status_code == 200
    assert lab.counts().outcomes == 2
    with database.read() as connection:
        [vote] = connection.execute(select(outcomes).where(outcomes.c.metric == "vote")).all()
    arm = experiments.assign(made, "ann")
    assert (vote.arm_id, vote.person, vote.value) == (arm.id, experiments.person_of(made, "ann"), 1.0)


def test_a_thumb_elsewhere_is_no_vote(database: Database) -> None:
    create(database)
    lab = Lab(database)
    talk = lab.page.begin()
    assert lab.page.say(talk, "thumb", lab.page.ask(talk), value="up").status_code == 200
    assert lab.counts() == (0, 0, 0)


@pytest.mark.parametrize(("promote", "said"), [(None, "sft"), ("new", "ppo")])
def test_its_end_takes_effect_at_once_and_nothing_more_is_logged(
    database: Database, promote: str | None, said: str
) -> None:
    create(database)
    lab = Lab(database)
    talk = lab.page.begin()
    reply = lab.ask("ann", metadata={"conversation": talk}).json()["id"]
    before = lab.counts()
    with database.write() as connection:
        experiments.end(connection, "live", promote=promote, reason="enough", now=2.0)
    assert {text(lab.ask(user)) for user in USERS} == {said}
    assert lab.page.say(talk, "thumb", reply, value="up").status_code == 200
    assert lab.counts() == before


def test_of_a_test_of_prompts_the_arm_is_the_system_prompt(database: Database) -> None:
    made = create(database, kind="prompt", values=("Be plain.", "Be warm."))
    lab = Lab(database)
    for user in USERS[:6]:
        lab.ask(user, messages=[{"role": "system", "content": "Speak."}, {"role": "user", "content": "Hello?"}])
        [*_, ask] = lab.models["sft"].asks
        assert ask.messages[0] == Message("system", f"{experiments.assign(made, user).value}\n\nSpeak.")
    assert not lab.models["ppo"].asks
    assert with_system("Be plain.", ()) == (Message("system", "Be plain."),)


def test_who_asks(database: Database) -> None:
    made = create(database)
    keyed = Lab(database, keys={hash_token(ANN): "ann"}, key=ANN)
    assert text(keyed.ask(None)) == experiments.assign(made, "ann").value
    assert text(keyed.ask("bob")) == experiments.assign(made, "ann/bob").value
    unknown = Lab(database).ask(None)
    assert unknown.status_code == 400 and unknown.json()["error"]["code"] == "user_needed"
    assert [person("", ""), person("k", ""), person("", "u"), person("k", "u")] == ["", "k", "u", "k/u"]


def test_what_cannot_be_served_is_an_error_before_the_start(database: Database) -> None:
    create(database, values=("sft", "lost"))
    models = {"sft": ScriptedModel("sft")}
    for wanted, served in [({"live": ""}, models), ({"dead": ""}, models), ({"live": ""}, {"live": models["sft"]})]:
        with pytest.raises(ConfigError):
            experiment_models(database, wanted, served)


def test_it_is_one_of_the_models(database: Database) -> None:
    create(database)
    lab = Lab(database)
    assert [one["id"] for one in lab.page.get("/v1/models").json()["data"]] == ["sft", "ppo", "live"]
    assert lab.page.get("/chat/api/models").json()["models"] == ["sft", "ppo", "live"]
    lab.models["ppo"].ready = False
    assert lab.page.get("/readyz").json()["models"] == {"sft": True, "ppo": False, "live": False}
