"""A teacher behind an OpenAI-compatible address: `POST {url}/chat/completions`, with retries.

Retried: no connection, a time-out, 408, 409, 425, 429 and 5xx, and an answer that is not what the protocol says. The
pause doubles from `first_pause_s` with full jitter; `Retry-After` is kept to. Redirects are not followed (they could
lead past the check of the address). The key is sent as a header and never appears in an error or a log. The request
goes to an IP address that was checked, so that a second look-up of the name cannot lead elsewhere.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import orjson

from tunesmith.core.records import Message, messages_to_json
from tunesmith.make.distill.address import Address, pin
from tunesmith.make.teacher import Decoding, Finish, Reply, TeacherError

_AGAIN = frozenset({408, 409, 425, 429})
_HOPELESS = frozenset({401, 403, 404})
LONGEST_ANSWER_BYTES = 8 * 2**20
_FINISHES: Mapping[str, Finish] = {"stop": "stop", "length": "length", "content_filter": "filtered"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait and how often to try. Times are seconds."""

    timeout_s: float = 60.0
    attempts: int = 6
    first_pause_s: float = 1.0
    longest_pause_s: float = 60.0


class Endpoint:
    """The teacher. Safe to call from several threads; close it when done."""

    def __init__(
        self,
        address: Address,
        model: str,
        *,
        key: str = "",
        patience: Patience | None = None,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.name = f"{model} at {address.url}"
        self._model = model
        self._key = key
        self._patience = patience or Patience()
        self._sleep = sleep
        self._jitter = jitter
        pinned = pin(address)
        self._url = f"{pinned.url}/chat/completions"
        self._headers, self._extensions = pinned.headers, pinned.extensions
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        # Proxies from the environment would undo the check of the address.
        self._client = httpx.Client(
            timeout=self._patience.timeout_s, headers=headers, follow_redirects=False, trust_env=False
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def reply(self, messages: Sequence[Message], decoding: Decoding) -> Reply:
        """Return one answer; see `Teacher.reply`."""
        body = {"model": self._model, "messages": messages_to_json(tuple(messages)), **_parameters(decoding)}
        reason = ""
        for attempt in range(self._patience.attempts):
            wait = None
            try:
                return self._once(body)
            except _Again as error:
                reason, wait = error.reason, error.wait_s
            if attempt + 1 < self._patience.attempts:
                self._sleep(self._pause(attempt, wait))
        raise TeacherError(f"{reason}, {self._patience.attempts} times")

    def _pause(self, attempt: int, wait_s: float | None) -> float:
        """Return how many seconds to wait before the next attempt."""
        ceiling = min(self._patience.longest_pause_s, self._patience.first_pause_s * 2.0**attempt)
        pause = ceiling * self._jitter()
        return pause if wait_s is None else max(pause, min(wait_s, self._patience.longest_pause_s * 10))

    def _once(self, body: Mapping[str, Any]) -> Reply:
        try:
            with self._client.stream(
                "POST", self._url, content=orjson.dumps(body), headers=self._headers, extensions=self._extensions
            ) as response:
                data = _read(response)
        except httpx.TimeoutException as error:
            raise _Again("no answer in time") from error
        except httpx.HTTPError as error:
            raise _Again(f"no connection ({type(error).__name__})") from error
        status = response.status_code
        if status in _AGAIN or status >= 500:
            raise _Again(f"status {status}", retry_after(response.headers.get("Retry-After", "")))
        if status != 200:
            said = message_of(data)
            # Some servers repeat the key that they refuse.
            said = said.replace(self._key, "***") if self._key else said
            raise TeacherError(f"status {status}: {said}", fatal=status in _HOPELESS)
        return _parsed(data)


class _Again(Exception):
    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait_s = wait_s


def _parameters(decoding: Decoding) -> dict[str, Any]:
    return {name: value for name, value in decoding.to_json().items() if value is not None}


def _read(response: httpx.Response) -> bytes:
    data = b""
    for piece in response.iter_bytes():
        data += piece
        if len(data) > LONGEST_ANSWER_BYTES:
            raise TeacherError(f"an answer of more than {LONGEST_ANSWER_BYTES:,} bytes")
    return data


def _parsed(data: bytes) -> Reply:
    try:
        body = orjson.loads(data)
        choice = body["choices"][0]
        text = choice["message"]["content"]
        tokens = (body.get("usage") or {}).get("total_tokens", 0)
    except (orjson.JSONDecodeError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise _Again("an answer that is not a chat completion") from error
    if text is None:
        text = ""  # a refusal or a tool call; the filters count it as empty
    if not isinstance(text, str):
        raise _Again("an answer whose content is not text")
    count = tokens if isinstance(tokens, int) and tokens > 0 else 0
    return Reply(text, _FINISHES.get(choice.get("finish_reason"), "unknown"), count)


def message_of(data: bytes) -> str:
    """Return the beginning of the server's own words about an error."""
    try:
        said = orjson.loads(data)["error"]["message"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        said = data[:200].decode("utf-8", "replace")
    return " ".join(str(said).split())[:200]


def retry_after(value: str) -> float | None:
    """Return the seconds that a Retry-After header asks for: a number, or a date (RFC 9110, section 10.2.3)."""
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError):
        return None
