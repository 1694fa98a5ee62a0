from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tunesmith.text.stop_strings import StopStrings

STOPS = st.lists(st.text("ab", min_size=1, max_size=4), max_size=3)


def cut(pieces: list[str], stops: list[str]) -> tuple[str, bool]:
    watch = StopStrings(stops)
    said = "".join(watch.add(piece) for piece in pieces) + watch.flush()
    return said, watch.hit


@given(st.lists(st.text("ab", max_size=3), max_size=12), STOPS)
@settings(max_examples=500, deadline=None)
def test_the_text_ends_where_the_first_stop_string_begins(pieces: list[str], stops: list[str]) -> None:
    """However the text comes in pieces, it is cut where a search in what came first would cut it."""
    text = "".join(pieces)
    said, hit = cut(pieces, stops)
    assert hit == any(stop in text for stop in stops)
    assert not any(stop in said for stop in stops)
    assert text.startswith(said) and (said == text) != hit
    assert cut(list(text), stops) == (said, hit)


def test_the_beginning_of_a_stop_string_is_held_back() -> None:
    watch = StopStrings(["\n\nUser:"])
    assert watch.add("Hello\n") == "Hello" and watch.add("\nUs") == ""
    assert watch.add("ing it") == "\n\nUsing it" and not watch.hit
