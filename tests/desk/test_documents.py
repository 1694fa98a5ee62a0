"""Pretraining text: deterministic, distinct, of the train split alone, in the promised mix and quality."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import islice, pairwise
from xml.etree import ElementTree

import pytest
import yaml

from tunesmith.core.errors import ConfigError
from tunesmith.core.records import Document
from tunesmith.desk.documents import LONGEST, MIX, SHORTEST, conversations, documents
from tunesmith.desk.documents.copies import carbon_copy
from tunesmith.desk.documents.exchanges import MAKERS, bad_answer
from tunesmith.desk.documents.records import FORMATS, draw_record, written
from tunesmith.desk.documents.scribe import Scribe
from tunesmith.desk.documents.worksheets import bare
from tunesmith.desk.draws import prompts
from tunesmith.desk.world import policies, reserved, split_of, table


@pytest.fixture(scope="module")
def corpus() -> list[Document]:
    return list(documents(1_000_000, seed=11))


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def grams(text: str, n: int) -> set[tuple[str, ...]]:
    tokens = words(text)
    return set(zip(*(tokens[i:] for i in range(n)), strict=False))


def test_the_same_seed_gives_the_same_documents_and_another_seed_others() -> None:
    first, again = (list(documents(60_000, seed=5)) for _ in range(2))
    assert first == again
    assert not {d.text for d in first} & {d.text for d in documents(60_000, seed=6)}


def test_fewer_characters_give_a_prefix() -> None:
    longer = list(documents(40_000, seed=5))
    shorter = list(documents(15_000, seed=5))
    assert longer[: len(shorter)] == shorter
    assert 15_000 <= sum(len(d.text) for d in shorter) < 15_000 + LONGEST


def test_no_characters_no_documents_and_a_negative_number_is_an_error() -> None:
    assert list(documents(0, seed=0)) == []
    with pytest.raises(ConfigError, match="n_characters"):
        next(documents(-1, seed=0))


def test_every_document_is_plain_text_of_the_promised_length(corpus: list[Document]) -> None:
    assert all(SHORTEST <= len(d.text) <= LONGEST for d in corpus)
    assert all(d.text.isascii() and d.text == d.text.strip() for d in corpus)
    assert not [d.text for d in corpus if re.search(r"\$[a-zA-Z]|[{][a-z ]*\|", d.text)], "an unfilled slot or choice"


def test_no_text_occurs_twice_and_few_share_much(corpus: list[Document]) -> None:
    assert len({d.text for d in corpus}) == len(corpus)
    openings = Counter(" ".join(words(d.text)[:12]) for d in corpus)
    assert sum(n for n in openings.values() if n > 1) < 0.1 * len(corpus)
    lines = Counter(line for d in corpus for line in d.text.split("\n") if len(line) > 60)
    assert sum(n - 1 for n in lines.values()) < 0.12 * sum(lines.values())


def test_words_and_word_pairs_are_many(corpus: list[Document]) -> None:
    tokens = [w for d in corpus[:500] for w in words(d.text)]
    pairs = list(pairwise(tokens))
    assert len(set(tokens)) > 1200
    assert len(set(pairs)) / len(pairs) > 0.2


def test_kinds_come_in_the_shares_of_the_mix(corpus: list[Document]) -> None:
    counts = Counter(d.meta["kind"] for d in corpus)
    total = sum(weight for weight, _ in MIX.values())
    assert set(counts) == set(MIX)
    for kind, (weight, _) in MIX.items():
        assert counts[kind] / len(corpus) == pytest.approx(weight / total, abs=0.025), kind


def test_a_fifth_to_a_quarter_of_the_answers_in_chats_and_threads_is_bad(corpus: list[Document]) -> None:
    mixed = [d.meta for d in corpus if d.meta["kind"] in ("chat_log", "forum_thread")]
    assert all("answers" in meta for meta in mixed)
    scribe = Scribe("bad answers")  # more of them than the corpus has
    written = [write(scribe) for _ in range(600) for write in (conversations.chat_log, conversations.forum_thread)]
    assert 0.19 <= sum(w.bad for w in written) / sum(w.answers for w in written) <= 0.25
    assert all("bad" not in d.meta for d in corpus if d.meta["kind"] in ("policy_page", "faq", "reading", "quiz"))


def test_products_people_and_orders_of_the_test_split_are_never_mentioned(corpus: list[Document]) -> None:
    data = table("world")
    product = re.compile(rf"\b({'|'.join(data['series'])}) ({'|'.join(data['kinds'])})\b", re.I)
    person = re.compile(rf"\b({'|'.join(data['first'])}) ({'|'.join(data['last'])})\b")
    found: Counter[str] = Counter()
    public = {n for p in policies() for n in re.findall(r"\b\d{4}\b", " ".join((p.value, *p.accept, *p.wrong)))}
    for document in corpus:
        for series, kind in product.findall(document.text):
            assert split_of(f"{series.capitalize()} {kind.lower()}") == "train"
            found["product"] += 1
        for first, last in person.findall(document.text):
            assert split_of(f"{first} {last}") == "train"
            found["person"] += 1
        for number in set(re.findall(r"(?<![\d-])\d{4}\b", document.text)) - public:
            assert split_of(number) == "train"
            found["order"] += 1
    assert min(found["product"], found["person"], found["order"]) > 400


def test_no_prompt_of_the_test_split_stands_in_a_document(corpus: list[Document]) -> None:
    known = set().union(*(grams(d.text, 10) for d in corpus))
    text = " ".join(" ".join(words(d.text)) for d in corpus)
    held_out = ["\n".join(m.content for m in p.messages) for p in prompts(200, seed=3, split="test")]
    whole = [p for p in held_out if len(words(p)) >= 6 and " ".join(words(p)) in text]
    touched = [p for p in held_out if grams(p, 10) & known]
    assert not whole
    assert len(touched) / len(held_out) < 0.05


def test_no_chat_template_and_no_special_token(corpus: list[Document]) -> None:
    marks = re.compile(r"<\|[^>]*\|>|</?s>|\[/?INST\]|^(?:system|user|assistant)\s*[:\n]|### ", re.I | re.M)
    assert not [d.text for d in corpus if marks.search(d.text)]


def test_every_policy_is_stated_often_and_truly(corpus: list[Document]) -> None:
    text = "\n".join(d.text for d in corpus if d.meta["kind"] in ("policy_page", "faq", "job_book"))
    for rule in policies():
        assert text.count(rule.value) + text.count(rule.value.capitalize()) >= 6, rule.key


def test_records_in_three_formats_say_the_same() -> None:
    scribe = Scribe("records")
    for _ in range(60):
        kind, fields = draw_record(scribe)
        form = dict(zip(FORMATS, (written(fields, kind, f, compact=True) for f in FORMATS), strict=True))
        assert json.loads(form["JSON"]) == fields
        loaded = yaml.safe_load(form["YAML"])
        assert {k: str(v) for k, v in loaded.items()} == {k: str(v) for k, v in fields.items()}
        root = ElementTree.fromstring(form["XML"])
        assert root.tag == kind
        assert next(e.tag for e in root) == next(iter(fields))


def test_answers_are_not_the_bad_ones() -> None:
    scribe = Scribe("answers")
    for _ in range(400):
        exchange = scribe.rng.choice(MAKERS)(scribe)
        assert exchange.question
        assert exchange.answer
        assert bad_answer(scribe, exchange) != exchange.answer
        assert exchange.false != exchange.answer


def test_bare_takes_case_and_punctuation_only() -> None:
    assert bare("Hi Kim, where's order 4821? It's late!") == "hi kim wheres order 4821 its late"


def test_every_policy_can_be_asked_in_a_wording_that_is_not_reserved() -> None:
    scribe = Scribe("asked")
    for rule in policies():
        for asked in {scribe.asked(rule) for _ in range(8)}:
            assert not reserved(asked), f"{rule.key}: {asked}"


def test_draws_without_the_memory_of_earlier_texts_are_distinct_too() -> None:
    scribe = Scribe("distinct")
    texts = [write(scribe).text for _, write in islice(MIX.values(), len(MIX)) for _ in range(60)]
    assert len(set(texts)) == len(texts)


def test_a_carbon_copy_says_everything_twice() -> None:
    scribe = Scribe("copies")
    for _ in range(100):
        for part in carbon_copy(scribe).text.split("\n\n"):
            lines = part.split("\n")
            if all(": " in line for line in lines) and len(lines) > 2:  # line beside line
                said = [line.split(": ", 1)[1] for line in lines]
                assert said[0::2] == said[1::2]
            else:  # whole after whole
                half = len(lines) // 2
                assert [re.sub(r"^[^:]*: ?", "", x) for x in lines[:half]] == [
                    re.sub(r"^[^:]*: ?", "", x) for x in lines[half:]
                ]
