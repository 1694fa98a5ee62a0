"""What the chat page calls, under `/chat`. Each answer is sent after its commit.

The page itself and its files (`OPEN_PATHS`) are for anybody who reaches the server; they hold nothing of anybody.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request
from pydantic import Field

from tunesmith.serve.chat import context_routes, pages
from tunesmith.serve.chat.desk import ChatDesk
from tunesmith.serve.chat.pairs import draw
from tunesmith.serve.chat.problems import PlainProblems
from tunesmith.serve.chat.view import conversation_line, conversation_view, feedback_view
from tunesmith.serve.service import service_of
from tunesmith.store.conversation import conversations, feedback
from tunesmith.store.conversation.feedback import Feedback
from tunesmith.store.conversation.replies import replies_of
from tunesmith.store.experiment.log import record_of_reply
from tunesmith.web.body import Body

OPEN_PATHS = ("/chat", "/static/")  # not "/": below it is everything
SHOWN_CONVERSATIONS = 500
TEXT_LIMIT = 200_000
VOTES = {"up": 1.0, "down": 0.0}  # what a thumb is worth as the `vote` of an A/B test
Name = Annotated[str, Path(pattern="^[0-9a-f]{24}$")]
ReplyId = Annotated[str, Field(min_length=1, max_length=100)]


class Begin(Body):
    """A new conversation."""

    title: str = Field(max_length=1000)
    consent: bool


class Consent(Body):
    """Whether the feedback of a conversation may be trained on."""

    consent: bool


class Models(Body):
    """The models of a pair."""

    models: list[Annotated[str, Field(max_length=500)]] = Field(min_length=2, max_length=2)


class Nothing(Body):
    """A request without particulars."""


class Said(Body):
    """Feedback. `key` is the same for every retry."""

    key: str = Field(pattern="^[0-9a-zA-Z-]{16,64}$")
    kind: Literal["thumb", "vote", "edit", "regeneration"]
    reply: ReplyId
    other: ReplyId | None = None
    payload: dict[str, Annotated[str, Field(max_length=TEXT_LIMIT)]] = Field(default_factory=dict, max_length=4)


def build_router(desk: ChatDesk) -> APIRouter:
    """Return the page, its files and its API; the application around it decides who may call."""
    router = APIRouter(route_class=PlainProblems, include_in_schema=False)
    pages.add(router)
    context_routes.add(router, desk)
    _add_conversations(router, desk)
    _add_feedback(router, desk)
    return router


def _add_conversations(router: APIRouter, desk: ChatDesk) -> None:
    @router.get("/chat/api/models")
    def get_models(request: Request) -> dict[str, Any]:
        service = service_of(request)
        return {
            "models": list(desk.models),
            "max_tokens": service.settings.limits.max_tokens,
            "fitted": {
                name: service.model(name).max_length for name in desk.models if service.model(name).fits_context
            },
            "workspace": desk.library is not None,
        }

    @router.get("/chat/api/conversations")
    def get_conversations(request: Request) -> dict[str, Any]:
        with desk.database.read() as connection:
            found = conversations.list_conversations(connection, desk.owner(request), limit=SHOWN_CONVERSATIONS)
        return {"conversations": [conversation_line(one) for one in found]}

    @router.post("/chat/api/conversations")
    def post_conversation(request: Request, body: Begin) -> dict[str, Any]:
        with desk.database.write() as connection:
            made = conversations.begin(
                connection, desk.owner(request), body.title, consent=body.consent, now=desk.clock()
            )
        return {"conversation": conversation_line(made)}

    @router.get("/chat/api/conversations/{name}")
    def get_conversation(request: Request, name: Name) -> dict[str, Any]:
        with desk.database.read() as connection:
            found = conversations.get_conversation(connection, name, desk.owner(request))
            events = feedback.feedback_of(connection, name)
            return conversation_view(found, replies_of(connection, name), events)

    @router.post("/chat/api/conversations/{name}/consent")
    def post_consent(request: Request, name: Name, body: Consent) -> dict[str, Any]:
        with desk.database.write() as connection:
            found = conversations.get_conversation(connection, name, desk.owner(request))
            conversations.set_consent(connection, found, body.consent)
        return {"consent": body.consent}

    @router.post("/chat/api/conversations/{name}/erase")
    def post_erase(request: Request, name: Name, _body: Nothing) -> dict[str, Any]:
        with desk.database.write() as connection:
            found = conversations.get_conversation(connection, name, desk.owner(request))
            conversations.erase(connection, found, now=desk.clock())
        return {"erased": name}


def _add_feedback(router: APIRouter, desk: ChatDesk) -> None:
    @router.post("/chat/api/conversations/{name}/pair")
    def post_pair(request: Request, name: Name, body: Models) -> dict[str, Any]:
        desk.conversation(request, name)
        pair = draw(body.models)
        return {"pair": pair.id, "models": pair.models}

    @router.post("/chat/api/conversations/{name}/feedback")
    def post_feedback(request: Request, name: Name, body: Said) -> dict[str, Any]:
        said = Feedback(key=body.key, kind=body.kind, reply_id=body.reply, other_id=body.other, payload=body.payload)
        with desk.database.write() as connection:
            found = conversations.get_conversation(connection, name, desk.owner(request))
            event = feedback.give(connection, found, said, now=desk.clock())
            if event.kind == "thumb" and event.payload["value"] in VOTES:
                record_of_reply(connection, event.reply_id, "vote", VOTES[event.payload["value"]], now=event.time)
            return feedback_view(event)
