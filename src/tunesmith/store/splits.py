"""Train, validation and test sets that share no user and no prompt, and that stay as they are when data are added."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence

import orjson

from tunesmith.core.errors import ConfigError
from tunesmith.core.records import Demonstration, Document, Record, messages_to_json, record_id
from tunesmith.store.groups import groups


def split_key(record: Record) -> str:
    """Return what must not be in two splits: the user, else the family of related rows, else the prompt or text.

    InstructGPT splits its prompts by user id (arXiv 2203.02155, section 3.2). `meta["family"]` is what importers give
    to rows that were one thing before, such as the rankings of one conversation tree.
    """
    for name in ("user", "family"):
        value = record.meta.get(name)
        if isinstance(value, str | int) and value != "":
            return f"{name}:{value}"
    return prompt_key(record)


def prompt_key(record: Record) -> str:
    """Return the prompt, or a document's text, as a key."""
    if isinstance(record, Document):
        return f"text:{record.text}"
    messages = record.prompt if isinstance(record, Demonstration) else record.messages
    return "prompt:" + orjson.dumps(messages_to_json(messages)).decode()


def split_keys(record: Record) -> tuple[str, ...]:
    """Return every key that ties a record to others: of one that was made from others, theirs; else its `split_key`."""
    made = record.meta.get("split_keys")
    if isinstance(made, list) and made and all(isinstance(key, str) for key in made):
        return tuple(made)
    return (split_key(record),)


def split(records: Sequence[Record], *, fractions: Mapping[str, float], seed: int) -> dict[str, list[Record]]:
    """Return the records of each split, in their given order (T-DATA-1).

    Each group's place comes from the hash of its key and the seed alone. So the same key is always in the same split,
    whatever other records there are and in whatever order; the sizes follow `fractions` only on average, and with few
    keys a split may be empty. Records that were made from several others join those into one group.

    Raises:
        ConfigError: no fractions, a fraction that is not positive, or a sum other than 1.
    """
    check_fractions(fractions)
    result: dict[str, list[Record]] = {name: [] for name in fractions}
    for record, group in zip(records, groups([split_keys(record) for record in records]), strict=True):
        result[place(group, fractions, seed)].append(record)
    return result


def check_fractions(fractions: Mapping[str, float]) -> None:
    """Raise ConfigError unless the fractions are positive and sum to 1."""
    total = math.fsum(fractions.values())
    if not fractions or any(not 0 < value <= 1 for value in fractions.values()) or abs(total - 1) > 1e-6:
        raise ConfigError(
            "must be positive and sum to 1", where="fractions", why=", ".join(f"{k}={v}" for k, v in fractions.items())
        )


def point(key: str, seed: int) -> float:
    """Return the key's place on the line from 0 to 1."""
    digest = hashlib.sha256(f"{seed}\0{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def place(key: str, fractions: Mapping[str, float], seed: int) -> str:
    """Return the split that the key's point falls into."""
    at, upper = point(key, seed), 0.0
    for name, fraction in fractions.items():
        upper += fraction
        if at < upper:
            return name
    # Only where rounding leaves the sum a hair under 1.
    return next(reversed(list(fractions)))


def cap_per_user(records: Sequence[Record], limit: int) -> list[Record]:
    """Return the records with at most `limit` per `meta["user"]`, in their given order (T-DATA-2).

    InstructGPT caps each user at 200 prompts (section 3.2). Those with the smallest content hashes stay, so the order
    of the input does not decide. Records without a user all stay.

    Raises:
        ConfigError: the limit is not positive.
    """
    if limit < 1:
        raise ConfigError("must be at least 1", where="limit", why=str(limit))
    by_user: dict[str, list[int]] = {}
    for index, record in enumerate(records):
        user = record.meta.get("user")
        if user is not None and user != "":
            by_user.setdefault(str(user), []).append(index)
    left_out: set[int] = set()
    for indices in by_user.values():
        if len(indices) > limit:
            left_out.update(sorted(indices, key=lambda i: record_id(records[i]))[limit:])
    return [record for index, record in enumerate(records) if index not in left_out]
