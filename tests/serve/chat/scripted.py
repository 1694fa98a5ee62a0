"""A served model that says what a test tells it to, piece by piece, through the real application."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field

from tunesmith.serve.served_model import Ask, Delta, Read


@dataclass
class ScriptedModel:
    """`say` returns the pieces of a reply. After the first piece it waits for `gate`."""

    name: str = "sft"
    say: Callable[[Ask], Iterable[str]] = lambda ask: ["All ", "right."]
    folder: str = "desk"
    pause_s: float = 0.0
    created: int = 1_800_000_000
    max_length: int = 1024
    ready: bool = True
    waiting: int = 0
    fits_context: bool = False
    gate: threading.Event = field(default_factory=threading.Event)
    asks: list[Ask] = field(default_factory=list)
    pieces: int = 0
    closed: int = 0

    def __post_init__(self) -> None:
        self.gate.set()

    async def start(self, ask: Ask) -> ScriptedAnswer:
        self.asks.append(ask)
        return ScriptedAnswer(self, ask)

    def close(self, grace_s: float) -> None:
        pass


class ScriptedAnswer:
    prompt_tokens = 7
    read: Read

    def __init__(self, by: ScriptedModel, ask: Ask) -> None:
        self.by, self.ask = by, ask
        self.model, self.folder = by.name, by.folder
        self.read = Read(messages=ask.messages)

    async def deltas(self) -> AsyncIterator[Delta]:
        for piece in self.by.say(self.ask):
            self.by.pieces += 1
            yield Delta(0, piece, 1)
            await asyncio.sleep(self.by.pause_s)
            while not self.by.gate.is_set():
                await asyncio.sleep(0.01)
        yield Delta(0, "", 0, finish="stop")

    async def close(self) -> None:
        self.by.closed += 1
