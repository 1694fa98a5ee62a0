"""A database in which somebody has chatted, voted and edited."""

from __future__ import annotations

from pathlib import Path

from tunesmith.core.records import Message
from tunesmith.store.conversation.conversations import begin
from tunesmith.store.conversation.feedback import Feedback, give
from tunesmith.store.conversation.replies import Reply, add_reply
from tunesmith.store.database import open_database


def chatted(path: Path, *, talks: int = 1, consent: bool = True, folder: str = "desk", first: int = 0) -> list[str]:
    """Add conversations with a vote, an edit of the better reply and a thumb each; return the ids of the replies."""
    database = open_database(str(path))
    ids = []
    with database.write() as connection:
        for n in range(first, first + talks):
            talk = begin(connection, "local", f"Talk {n}", consent=consent, now=float(n))
            two = [f"chatcmpl-{n}{side}" for side in "ab"]
            for name, text in zip(two, (f"Good answer {n}.", f"Bad answer {n}."), strict=True):
                asked = f"Question {n}?"
                add_reply(
                    connection,
                    Reply(
                        id=name, messages=(Message("user", asked),), completion=text, model="sft", time=float(n),
                        conversation_id=talk.id, pair_id=f"pair-{n}", asked=asked, origin={"folder": folder},
                        sampling={"seed": 3},
                    ),
                )  # fmt: skip
            said = [
                Feedback(key=f"{n}v", kind="vote", reply_id=two[1], other_id=two[0], payload={"choice": "second"}),
                Feedback(key=f"{n}e", kind="edit", reply_id=two[0], payload={"text": f"Best answer {n}."}),
                Feedback(key=f"{n}t", kind="thumb", reply_id=two[0], payload={"value": "up"}),
            ]
            for one in said:
                give(connection, talk, one, now=float(n))
            ids += two
    database.close()
    return ids
