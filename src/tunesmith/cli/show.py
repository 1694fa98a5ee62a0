"""`tunesmith show REPLY_ID`: from a served reply back to the model, its runs, their data and the labels in them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunesmith.cli.console import Console, Outcome
from tunesmith.cli.label_desk import DeskOptions, opened
from tunesmith.cli.verb import verb

if TYPE_CHECKING:
    from tunesmith.store.conversation.replies import Reply
    from tunesmith.train.lineage import Ancestor

SHOWN_NAMES = 5


def register(app: typer.Typer, name: str) -> None:
    """Add the verb."""
    verb(app, name)(show)


def show(
    console: Console,
    store: DeskOptions,
    reply: Annotated[str, typer.Argument(help="The id that the server gave with the reply (chatcmpl-...).")],
) -> Outcome:
    """Walk from a served reply to the model, run, data and labels behind it; a broken chain is exit code 4."""
    from tunesmith.store.conversation.replies import erased_at, get_reply
    from tunesmith.train.lineage import model_ancestry

    with opened(store.db, must_exist=True) as database, database.read() as connection:
        found = get_reply(connection, reply)
        erased = erased_at(connection, found)
    chain = model_ancestry(str(found.origin.get("folder", found.model)))
    gaps = [f"{one.name}: {one.gap}" for _, one in chain.walk() if one.gap]
    summary = {"reply": _reply_json(found, erased), "chain": chain.to_json(), "gaps": gaps}
    lines = [*_reply_lines(found, erased), *(_line(depth, one) for depth, one in chain.walk())]
    lines += (
        [f"the chain breaks in {len(gaps)} place{'s' if len(gaps) > 1 else ''}, marked !"]
        if gaps
        else ["the chain is whole"]
    )
    return Outcome(summary=summary, lines=lines, exit_code=4 if gaps else 0)


def _reply_json(reply: Reply, erased: float | None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": reply.id,
        "model": reply.model,
        "time": _moment(reply.time),
        "conversation": reply.conversation_id,
    }
    body |= {"sampling": dict(reply.sampling), "timings": dict(reply.timings), "finish": reply.finish_reason}
    body |= {name: reply.origin[name] for name in ("experiment", "arm") if name in reply.origin}
    return body | ({"erased": _moment(erased)} if erased else {})


def _reply_lines(reply: Reply, erased: float | None) -> list[str]:
    settings = ", ".join(f"{name} {value}" for name, value in reply.sampling.items())
    lines = [f"reply {reply.id}, {_moment(reply.time)}, by {reply.model}" + (f" ({settings})" if settings else "")]
    if "experiment" in reply.origin:
        lines.append(f"  arm {reply.origin['arm']} of the A/B test {reply.origin['experiment']}")
    if erased:
        return [*lines, f"  its conversation was erased by its owner, {_moment(erased)}"]
    if reply.conversation_id is None:
        return [*lines, "  served through the API: its texts were not kept"]
    asked, said = (" ".join(text.split())[:100] for text in (reply.asked, reply.completion))
    return [*lines, f"  asked: {asked}", f"  said: {said}"]


def _line(depth: int, one: Ancestor) -> str:
    facts = "; ".join(f"{name}: {_text(value)}" for name, value in one.facts.items())
    line = f"{'  ' * depth}└ {one.role}: {one.kind} {one.name}" + (f" ({facts})" if facts else "")
    return f"{line}  ! {one.gap}" if one.gap else line


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return _some([f"{name} {n}" for name, n in value.items()])
    return _some([str(one) for one in value]) if isinstance(value, list) else str(value)


def _some(names: list[str]) -> str:
    more = len(names) - SHOWN_NAMES
    return ", ".join(names[:SHOWN_NAMES]) + (f" and {more:,} more" if more > 0 else "")


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
