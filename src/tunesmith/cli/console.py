"""Where a verb's words go: the product to standard output, everything else to standard error."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunesmith.cli.surroundings import Surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a verb has to say at its end.

    `summary` is the JSON object's body; `lines` is the same for people; `artefacts` maps a name to a path.
    `exit_code` is 0 unless what was found is itself the failure (`doctor`).
    """

    summary: Mapping[str, Any] = field(default_factory=dict)
    lines: Sequence[str] = ()
    artefacts: Mapping[str, str] = field(default_factory=dict)
    next_command: str = ""
    exit_code: int = 0


@dataclass(frozen=True, slots=True)
class Console:
    """The switches every verb has, and the streams they steer. `words` is the whole command line after the program."""

    surroundings: Surroundings
    verb: str
    words: tuple[str, ...] = ()
    json: bool = False
    quiet: bool = False

    @property
    def is_lead(self) -> bool:
        """Under torchrun only rank 0 speaks."""
        return self.surroundings.environment.get("RANK", "0") == "0"

    def log(self, line: str) -> None:
        """Write a progress line to standard error, unless the person asked for quiet."""
        if not self.quiet and self.is_lead:
            self.warn(line)

    def warn(self, line: str) -> None:
        """Write a line to standard error that is not to be missed."""
        print(line, file=self.surroundings.stderr, flush=True)

    def write(self, text: str) -> None:
        """Write part of the product (a reply in `chat`); with `--json` it is only in the final object."""
        if not self.json:
            self.surroundings.stdout.write(text)
            self.surroundings.stdout.flush()

    def finish(self, outcome: Outcome) -> None:
        """Print the outcome: one JSON object, or lines that end with the artefacts and the next command."""
        if not self.is_lead:
            return
        out = self.surroundings.stdout
        if self.json:
            body = {"verb": self.verb, **outcome.summary}
            body |= {"artefacts": dict(outcome.artefacts)} if outcome.artefacts else {}
            body |= {"next": outcome.next_command} if outcome.next_command else {}
            print(json.dumps(body, ensure_ascii=False, default=str), file=out, flush=True)
            return
        for line in () if self.quiet else outcome.lines:
            print(line, file=out)
        last = ", ".join(f"{name}: {path}" for name, path in outcome.artefacts.items())
        if outcome.next_command:
            last = f"{last} · next: {outcome.next_command}" if last else f"next: {outcome.next_command}"
        if last:
            print(last, file=out)
        out.flush()
