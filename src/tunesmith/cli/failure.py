"""Any exception becomes an exit code and one message; the only place that decides them.

0 ok · 1 failure · 2 usage or configuration · 3 data · 4 partial · 5 environment · 130/143 after a signal.
"""

from __future__ import annotations

import errno
import json
from typing import Any, NamedTuple

import typer

from tunesmith.cli.interrupt import Interrupt
from tunesmith.core.errors import TunesmithError

# The argument parser's own errors; typer exports one of them, whose base class they share.
USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]
_NO_SUCH_FILE = (errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.EEXIST)


class Failure(NamedTuple):
    """An exit code and what to say, in parts; `help` is a page for people, shown before the message."""

    code: int
    kind: str
    what: str
    where: str = ""
    why: str = ""
    remedy: str = ""
    help: str = ""

    @property
    def message(self) -> str:
        """The failure in one line."""
        return str(TunesmithError(self.what, where=self.where, why=self.why, remedy=self.remedy))

    def to_json(self) -> str:
        """Return the one object that `--json` prints for a failure."""
        body = {"code": self.code, "type": self.kind, "message": self.message, **self._parts()}
        return json.dumps({"error": body}, ensure_ascii=False)

    def _parts(self) -> dict[str, str]:
        parts = {"what": self.what, "where": self.where, "why": self.why, "remedy": self.remedy}
        return {name: text for name, text in parts.items() if text}


def failure_of(error: BaseException) -> Failure:
    """Return the exit code and the words for an exception that ended a verb."""
    kind = type(error).__name__
    if isinstance(error, TunesmithError):
        return Failure(error.exit_code, kind, error.what, error.where, error.why, error.remedy)
    if isinstance(error, SystemExit):  # the training engine, after its checkpoint (128 plus the signal's number)
        code = error.code if isinstance(error.code, int) else 1
        return Failure(code, "Stopped", "stopped, after a checkpoint", remedy="run the same command again to go on")
    if isinstance(error, Interrupt):
        return Failure(error.exit_code, kind, str(error))
    if isinstance(error, USAGE_ERROR):
        return _usage(error)
    if isinstance(error, OSError):
        return _system(error)
    if isinstance(error, MemoryError) or kind == "OutOfMemoryError":
        remedy = "lower micro_batch_size, or take a smaller model"
        return Failure(5, kind, "out of memory", why=str(error).splitlines()[0] if str(error) else "", remedy=remedy)
    if isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith("tunesmith"):
        return Failure(5, kind, f"package {error.name!r} is not installed", remedy=f"pip install {error.name}")
    what = f"unexpected {kind}: {str(error).splitlines()[0] if str(error) else 'no message'}"
    return Failure(1, kind, what, remedy="this is a defect in tunesmith; run again with --debug and report the trace")


def _usage(error: Any) -> Failure:
    context = getattr(error, "ctx", None)
    remedy = f"see {context.command_path if context is not None else 'tunesmith'} --help"
    message = str(error.format_message())
    # Called without a verb, the parser's message is the help page itself.
    if type(error).__name__ == "NoArgsIsHelpError":
        return Failure(2, "UsageError", "a verb is missing", remedy=remedy, help=message)
    return Failure(2, "UsageError", message.rstrip("."), remedy="" if message.endswith("?") else remedy)


def _system(error: OSError) -> Failure:
    kind = type(error).__name__
    where, what = str(error.filename or ""), error.strerror or str(error)
    if error.errno in _NO_SUCH_FILE:
        return Failure(2, kind, what, where)
    remedy = "free some space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return Failure(5, kind, what, where, remedy=remedy)
