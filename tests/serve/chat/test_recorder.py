from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tunesmith.core.records import Message
from tunesmith.serve.chat.recorder import Recorder
from tunesmith.serve.reply_record import Completion, ReplyRecord, Timings
from tunesmith.store.conversation import conversations, replies
from tunesmith.store.database import Database
from tunesmith.store.problems import NotNow

NOW = 1_800_000_000.0


def record(name: str = "chatcmpl-1", **more: object) -> ReplyRecord:
    made = ReplyRecord(
        id=name, kind="chat", created=NOW, asked_model="live", model="sft", folder="runs/sft/model",
        messages=(Message("system", "Be kind."), Message("user", "Hello?")), prompt=None,
        completions=(Completion("Hi.", "stop", 2),), seed=5, temperature=0.7, top_p=1.0, top_k=0, max_tokens=None,
        stop=(), prompt_tokens=9, timings=Timings(first_token_s=0.1, total_s=0.4), key="", user="", asked="Hello?",
    )  # fmt: skip
    return replace(made, **more)  # type: ignore[arg-type]


def begin(database: Database, owner: str = "local") -> str:
    with database.write() as connection:
        return conversations.begin(connection, owner, "t", consent=False, now=NOW - 9).id


def stored(database: Database, name: str = "chatcmpl-1") -> replies.Reply:
    with database.read() as connection:
        return replies.get_reply(connection, name)


def test_a_reply_of_a_conversation_is_kept_with_what_made_it(database: Database, tmp_path: Path) -> None:
    run = tmp_path / "runs" / "sft"
    run.mkdir(parents=True)
    (run / "provenance.json").write_text("{}")
    talk = begin(database)
    Recorder(database)(record(folder=str(run / "model"), metadata={"conversation": talk, "pair": "pair-1"}))
    found = stored(database)
    assert (found.conversation_id, found.pair_id, found.asked) == (talk, "pair-1", "Hello?")
    assert (found.completion, found.model, found.finish_reason, found.time) == ("Hi.", "sft", "stop", NOW)
    assert found.messages == record().messages
    assert found.origin == {"folder": str(run / "model"), "run": str(run)}
    assert found.sampling == {"seed": 5, "temperature": 0.7, "top_p": 1.0, "top_k": 0}
    assert found.timings == {
        "seconds": 0.4, "first_token_seconds": 0.1, "prompt_tokens": 9, "completion_tokens": 2
    }  # fmt: skip
    with database.read() as connection:
        [line] = conversations.list_conversations(connection, "local", limit=9)
    assert line.changed_at == NOW


@pytest.mark.parametrize("case", ["api", "somebody else's", "erased", "unknown", "two choices"])
def test_elsewhere_only_the_model_is_kept(database: Database, case: str) -> None:
    talk = begin(database, "bob" if case == "somebody else's" else "local")
    if case == "erased":
        with database.write() as connection:
            found = conversations.get_conversation(connection, talk, "local")
            conversations.erase(connection, found, now=NOW)
    metadata = {} if case == "api" else {"conversation": "0" * 24 if case == "unknown" else talk}
    choices = (Completion("Hi.", "stop", 2),) * (2 if case == "two choices" else 1)
    Recorder(database)(record(metadata=metadata, completions=choices))
    left = stored(database)
    assert (left.conversation_id, left.completion, left.messages, left.asked) == (None, "", (), "")
    assert left.model == "sft" and left.origin == {"folder": "runs/sft/model"}


def test_the_key_names_the_owner(database: Database) -> None:
    talk = begin(database, "ann")
    Recorder(database)(record(metadata={"conversation": talk}, key="ann"))
    Recorder(database)(record("chatcmpl-2", metadata={"conversation": talk}, key=""))
    assert stored(database).conversation_id == talk and stored(database, "chatcmpl-2").conversation_id is None


def test_a_reply_that_was_cut_says_so(database: Database) -> None:
    Recorder(database)(record(metadata={"conversation": begin(database)}, completions=(Completion("H", None, 1),)))
    assert stored(database).finish_reason == "cancelled"


def test_a_parent_from_elsewhere_is_refused(database: Database) -> None:
    Recorder(database)(record())
    with pytest.raises(NotNow):
        Recorder(database)(record("chatcmpl-2", metadata={"conversation": begin(database), "parent": "chatcmpl-1"}))
