from __future__ import annotations

import pytest

from tunesmith.checks.pii import PiiCheck, PiiConfig, entropy, hidden, is_card, is_iban, spans

from .rows import found, kinds, talk

# Card and IBAN numbers are the issuers' and the registry's published examples.
PERSONAL = {
    "write to anna.berg@shop.org today": ("email", "anna.berg@shop.org"),
    "+49 30 1234 5678": ("phone", "+49 30 1234 5678"),
    "call (415) 555-2671.": ("phone", "(415) 555-2671"),
    "Bethesda 20892-3655 415-555-2671": ("phone", "415-555-2671"),
    "room 7 +49 30 1234 5678": ("phone", "+49 30 1234 5678"),
    "mobile: +493012345678": ("phone", "+493012345678"),
    "or 020 7946 0958 then": ("phone", "020 7946 0958"),
    "paid with 4111 1111 1111 1111": ("card", "4111 1111 1111 1111"),
    "in 1997 5555555555554444": ("card", "5555555555554444"),
    "amex 378282246310005.": ("card", "378282246310005"),
    "to DE89 3704 0044 0532 0130 00 PLEASE": ("iban", "DE89 3704 0044 0532 0130 00"),
    "GB29NWBK60161331926819": ("iban", "GB29NWBK60161331926819"),
    "AKIAIOSFODNN7EXAMPLE": ("key", "AKIAIOSFODNN7EXAMPLE"),
    "api_key = 'q7Rt2LmZx9Kp4VbN8sWd'": ("key", "q7Rt2LmZx9Kp4VbN8sWd"),
}
FINE = (
    "an @ sign, a@b, me @ home",
    "user@example.com and root@localhost",
    "4111 1111 1111 1112",  # Luhn's digit is wrong
    "DE89 3704 0044 0532 0130 01",  # not 1 modulo 97
    "order 113542617735902, in 2024-05-17, 12.345.678 people",
    "ISBN 978-3-16-148410-0 and 10.1000/182",
    "192.168.100.200, 3.14159265358979, $1,234,567.89",
    "0000 0000 0000 0000",
    "the task-oriented, risk-adjusted approach: token = a word of a sentence",
    "password: correcthorsebatterystaple",
    "1 2 3 4 5 6 7 8 9 10 11 12",
    "from 1990-1995 and 2000-2005",
    "472547338\n+960397912423\n------------",
    "256626720691 + 1646615806005 = 4222222222222",  # Luhn's digit is right, but Visa's 13 digits are out of use
)


@pytest.mark.parametrize(("text", "expected"), PERSONAL.items())
def test_personal_data_is_found_with_its_place(text: str, expected: tuple[str, str]) -> None:
    assert [(s.kind, text[s.start : s.end]) for s in spans(text)] == [expected]


@pytest.mark.parametrize("text", FINE)
def test_what_only_looks_personal_is_fine(text: str) -> None:
    assert spans(text) == []


def test_a_private_key_is_one_span_to_its_end() -> None:
    text = "k:\n-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----\nrest"
    [span] = spans(text)
    assert text[span.start : span.end].startswith("-----BEGIN") and text[span.end :] == "\nrest"
    assert spans(text[:40])[0].end == 40


def test_the_report_does_not_repeat_the_secret() -> None:
    [finding] = found(PiiCheck(PiiConfig()), talk("Who?", "anna.berg@shop.org"), talk("Who?", "Nobody."))
    assert finding.check == "pii.email" and "anna" not in finding.reason and "an…rg" in finding.reason


def test_kinds_are_chosen_by_configuration() -> None:
    check = PiiCheck(PiiConfig(kinds=("phone",)))
    assert kinds(found(check, talk("Who?", "anna.berg@shop.org, (415) 555-2671"))) == ["pii.phone"]


def test_the_arithmetic_by_hand() -> None:
    assert is_card("79927398713") is False  # Luhn holds, but no card is so short
    assert is_card("4539 1488 0343 6467") and not is_card("4539 1488 0343 6476")
    assert is_iban("NO93 8601 1117 947") and not is_iban("NO93 8601 1117 9470")
    assert entropy("aabb") == 1.0 and entropy("") == 0.0
    assert hidden("short") == "…"
