"""An answer that is no, raised anywhere below a route."""

from __future__ import annotations


class Refusal(Exception):
    """An HTTP status and a sentence for the caller; `retry_after` (seconds) says when to try again.

    `code` and `param` are for programs: what kind of refusal it is, and which field it is about.
    """

    def __init__(
        self, status: int, message: str, *, retry_after: int | None = None, code: str = "", param: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
        self.code = code
        self.param = param
