"""Personal data and secrets, each with its place in the text, so that a masker can use what is found here."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from pydantic import Field

from tunesmith.checks.check import CheckedRow, RowCheck
from tunesmith.checks.finding import Finding, Severity
from tunesmith.core.config import Strict

_EMAIL = re.compile(
    r"(?<![\w.+-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}(?![\w-])"
)
# Reserved for examples (RFC 2606, RFC 6761): nobody can be written to there.
_EXAMPLE_DOMAIN = re.compile(r"(?:^|[@.])(?:example\.(?:com|net|org)|example|test|invalid|localhost)$", re.IGNORECASE)
_PHONE = re.compile(
    r"(?<![\w.,/+$€£#=-])(?:"
    r"(?!(?<=\d\s)\+\d+(?![ .-]?[\d(]))"  # "+" and mere digits behind a number are a sum
    r"\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){2,4}"  # international, E.123
    r"|(?:1[ .-])?\(\d{3}\) ?\d{3}[ .-]\d{4}|(?:1[.-])?\d{3}([.-])\d{3}\1\d{4}"  # North America
    r"|(?<!\d )0\d{2,4}[ /-]\d{3,4}[ -]?\d{3,5}"  # national, with the trunk zero
    r")(?![\w/-]|[., ]\d)"
)
_DIGITS = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){12,40}(?![\w-]|\.\d)")
_SEVEN_DIGITS = re.compile(r"\d(?:[^\d\n]{0,3}\d){6}")
_FIGURES = re.compile(r"\d+")
_IBAN = re.compile(r"(?<![A-Za-z0-9])([A-Z]{2})\d{2}(?: ?[A-Z0-9]){11,29}")
# Length by country, from the SWIFT IBAN registry (ISO 13616).
_IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU XK", 21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip
# Prefixes that the issuers document for their keys.
_KEY = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,}|glpat-[A-Za-z0-9_-]{20,}"
    r"|sk-(?:proj-|ant-|svcacct-)?[A-Za-z0-9_-]{20,}|[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|xox[abprs]-[A-Za-z0-9-]{10,}"
    r"|AIza[0-9A-Za-z_-]{35}|hf_[A-Za-z0-9]{30,}|npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,}|SG\.[\w-]{16,}\.[\w-]{16,}"
    r"|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"
    r")(?![A-Za-z0-9])"
)
_KEY_HINTS = (
    "AKIA",
    "ASIA",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "sk-",
    "k_live_",
    "k_test_",
    "xox",
    "AIza",
    "hf_",
    "npm_",
    "pypi-",
    "SG.",
    "eyJ",
)
_PRIVATE_KEY = "PRIVATE KEY-----"
_ASSIGNED = re.compile(
    r"(?i)(?:api[_-]?key|secret|token|passw(?:or)?d|pwd)[\"']?\s*[:=]\s*[\"']?([A-Za-z0-9+/_=.-]{16,})"
)

# First four digits from and to, and how many digits there are (ISO/IEC 7812): Visa (13 digits are out of use, and one
# sum in ten of 13 digits passes Luhn's check), Mastercard (twice), American
# Express, Diners Club (twice), JCB, Discover (twice), UnionPay.
_ISSUERS = (
    (4000, 4999, (16, 19)),
    (5100, 5599, (16,)),
    (2221, 2720, (16,)),
    (3400, 3499, (15,)),
    (3700, 3799, (15,)),
    (3600, 3699, (14,)),
    (3800, 3899, (14,)),
    (3528, 3589, (16, 17, 18, 19)),
    (6011, 6011, (16, 19)),
    (6440, 6599, (16, 19)),
    (6200, 6299, (16, 17, 18, 19)),
)
_ASSIGNED_HINTS = ("api_key", "api-key", "apikey", "secret", "token", "passw", "pwd")

SEVERITY: dict[str, Severity] = {
    "email": "warning",
    "phone": "warning",
    "card": "error",
    "iban": "error",
    "key": "error",
}


class Span(NamedTuple):
    """Personal data at text[start:end]; `kind` is email, phone, card, iban or key."""

    start: int
    end: int
    kind: str


class PiiConfig(Strict):
    """Personal data and secrets."""

    kinds: tuple[str, ...] = Field(
        ("email", "phone", "card", "iban", "key"), description="what to look for: email, phone, card, iban, key"
    )
    min_entropy: float = Field(3.0, ge=0, description="bits a character that a key's characters must have at least")


class PiiCheck(RowCheck):
    """E-mail addresses, phone numbers, cards, IBANs and keys."""

    name = "pii"
    source = (
        "e-mail: RFC 5321 (addresses of RFC 2606's example domains are fine); phone: ITU-T E.123 and E.164; card: "
        "Luhn, "
        "ISO/IEC 7812; IBAN: ISO 13616 with mod 97-10; keys: the issuers' prefixes, and Shannon entropy"
    )

    def __init__(self, config: PiiConfig) -> None:
        self._config = config

    def row(self, row: CheckedRow) -> Iterator[Finding]:
        """Yield one finding per text and kind, with the first one found, mostly hidden."""
        for text in row.texts:
            by_kind: dict[str, list[Span]] = {}
            for span in spans(text.text, min_entropy=self._config.min_entropy):
                by_kind.setdefault(span.kind, []).append(span)
            for kind, found in by_kind.items():
                if kind in self._config.kinds:
                    shown = hidden(text.text[found[0].start : found[0].end])
                    reason = f"{len(found)} × {kind}, such as {shown}"
                    yield Finding(row.file, row.line, text.field, f"pii.{kind}", reason, SEVERITY[kind])


def spans(text: str, *, min_entropy: float = 3.0) -> list[Span]:
    """Return the personal data of a text in order; spans never overlap (the more certain kind wins)."""
    found: list[Span] = []
    for span in _candidates(text, min_entropy):
        if all(span.end <= other.start or span.start >= other.end for other in found):
            found.append(span)
    return sorted(found)


def hidden(secret: str) -> str:
    """Return a secret with all but its first and last two characters replaced, so that a report does not leak it."""
    return secret[:2] + "…" + secret[-2:] if len(secret) > 6 else "…"


def _candidates(text: str, min_entropy: float) -> Iterator[Span]:
    """Yield spans, the most certain kinds first. Each search is behind a test that costs next to nothing."""
    if _PRIVATE_KEY in text:
        yield from _private_keys(text)
    if any(map(text.__contains__, _KEY_HINTS)):
        keys = _KEY.finditer(text)
        yield from (Span(m.start(), m.end(), "key") for m in keys if entropy(m.group()) >= min_entropy)
    if (":" in text or "=" in text) and any(map(text.lower().__contains__, _ASSIGNED_HINTS)):
        yield from _assigned(text, min_entropy)
    if "@" in text:
        emails = _EMAIL.finditer(text)
        yield from (Span(m.start(), m.end(), "email") for m in emails if not _EXAMPLE_DOMAIN.search(m.group()))
    if _SEVEN_DIGITS.search(text):
        yield from _numbers(text)


def _numbers(text: str) -> Iterator[Span]:
    for match in _IBAN.finditer(text):
        # The words behind an IBAN may be capitals too; the country says where it ends.
        piece = re.match(rf"\S(?: ?\S){{{_IBAN_LENGTHS.get(match.group(1), 1) - 1}}}", match.group())
        if piece is not None and is_iban(piece.group()):
            yield Span(match.start(), match.start() + piece.end(), "iban")
    for match in _DIGITS.finditer(text):
        yield from _cards(text, match.start(), match.end())
    for match in _PHONE.finditer(text):
        if 9 <= sum(c.isdigit() for c in match.group()) <= 15:
            yield Span(match.start(), match.end(), "phone")


def _cards(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield the cards in a run of digits; the number before or behind a card may be something else."""
    groups = [(match.start(), match.end()) for match in _FIGURES.finditer(text, start, end)]
    while groups:
        found = next((stop for _, stop in reversed(groups) if is_card(text[groups[0][0] : stop])), 0)
        if found:
            yield Span(groups[0][0], found, "card")
        groups = [group for group in groups[1:] if group[0] >= found]


def _private_keys(text: str) -> Iterator[Span]:
    start = text.find("-----BEGIN ")
    if start >= 0:
        end = text.find("-----END ", start)
        yield Span(start, len(text) if end < 0 else min(len(text), text.find("\n", end) % (len(text) + 1)), "key")


def _assigned(text: str, min_entropy: float) -> Iterator[Span]:
    """Yield values given to something called a key or a password, if they look random: mixed, and no mere word."""
    for match in _ASSIGNED.finditer(text):
        value = match.group(1)
        mixed = any(c.isdigit() for c in value) and any(c.isalpha() for c in value)
        if mixed and entropy(value) >= max(min_entropy, 3.5):
            yield Span(match.start(1), match.end(1), "key")


def entropy(text: str) -> float:
    """Return Shannon's entropy of a text's characters, in bits a character."""
    counts = Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts) if text else 0.0


def is_card(text: str) -> bool:
    """Tell whether digits are a payment card's: a known issuer, its number of digits, and Luhn's check digit."""
    digits = [int(c) for c in text if c.isdigit()]
    if len(digits) < 13 or len(set(digits)) < 2:
        return False
    head = int("".join(map(str, digits[:4])))
    doubled = [d if i % 2 == 0 else (2 * d - 9 if d > 4 else 2 * d) for i, d in enumerate(reversed(digits))]
    issued = any(low <= head <= high and len(digits) in lengths for low, high, lengths in _ISSUERS)
    return issued and sum(doubled) % 10 == 0


def is_iban(text: str) -> bool:
    """Tell whether a text is an IBAN: its country's length, and 1 modulo 97 (ISO 7064)."""
    plain = text.replace(" ", "")
    if _IBAN_LENGTHS.get(plain[:2]) != len(plain):
        return False
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1
