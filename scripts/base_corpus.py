"""Write the real-English half of the base model's pretraining text: one JSONL of documents, drawn from licensed sets.

    python scripts/base_corpus.py --data DIR --out FILE.jsonl [--characters N] [--seed S]

`DIR` holds one folder per source (see `SOURCES`); each is public domain, CC0 or CC BY, so that weights trained on the
output may be shipped with the sources named. A row is `{"text": ..., "meta": {"source": ..., "licence": ...}}` of
300-1200 characters. Equal arguments and data give an equal file; its SHA-256 is printed for the model card. Every line
or document that is left out is counted under a reason, and the counts are printed.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import io
import json
import random
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tunesmith.core.errors import ConfigError, DataError, TunesmithError

SHORTEST, LONGEST = 300, 1200  # characters of one document
HARD_WORDS = 5.3  # mean letters per word above which a text is no simple English
TEMPLATE_LIMIT = 8  # answers that may begin with the same eight words (MedQuAD's inheritance paragraphs)

PLAIN = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′`´", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–−", "-"),
        **dict.fromkeys("\u00a0\u2002\u2003\u2009\u202f\t", " "),
        **dict.fromkeys("•·▪●*", "-"),
        **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", ""),
        "—": " - ",
        "―": " - ",
        "…": "...",
        "½": "1/2",
        "æ": "ae",
        "œ": "oe",
        "×": "x",
    }
)
COMMON_WORDS = frozenset(
    re.findall(
        r"\w+",
        "the a an and of to in is are was were be it he she they we you i that this for on with as at by not do have"
        " had his her their my your our what how can will would there from or but if so no yes me him them all when",
    )
)
ADDRESS = re.compile(
    r"https?:|www\.|\S@\S+\.\w|\b\d{3}[-. ]\d{3}[-. ]\d{4}\b|\w\.(?:com|gov|org|net|html|md|png|jpg)\b"
)
TEMPLATE = re.compile(r"\{\{|\}\}|\{%|</?\w+|\[[^\]]*[A-Za-z][^\]]*\]|[|\\{}#]{1}|_{2,}|={3,}|~")
GAP = re.compile(r"\s[,.;:](?:\s|$)|\(\s*\)|\b(?:the|a|an|equals)\s*[.,;](?:\s|$)")
FRONT_MATTER = re.compile(r"^(?:Title|Author|Year|Translat\w+|Illustrat\w+|Copyright|Contents)\b|OpenStax|^-{3,}", re.I)
SENTENCE_END = re.compile(r"(?<=[.!?])[\"')]*\s+(?=[\"'(A-Z])")
SPEAKERS = (("User 1", "User 2"), ("A", "B"), ("Speaker 1", "Speaker 2"), ("First person", "Second person"))
QUESTION_FORMS = (("Question", "Answer"), ("Q", "A"), ("Reader", "Expert"), ("", ""))

Reader = Callable[[Path, random.Random, Counter[str]], Iterator[str]]


class Source(NamedTuple):
    """One data folder: where its text is, what licence it has, and how much of the corpus it should be."""

    name: str
    file: str
    licence: str
    share: float
    read: Reader


def plain(text: str) -> str:
    """Return the text with ASCII quotes, dashes and letters, and single spaces (lines are kept)."""
    text = unicodedata.normalize("NFKD", text.translate(PLAIN))
    text = "".join(c for c in text if not unicodedata.combining(c))
    return "\n".join(re.sub(r" {2,}", " ", line).strip() for line in text.split("\n"))


def why_dropped(line: str) -> str | None:
    """Return the reason to leave a line out, or None for a line of clean English."""
    if not line.isascii():
        return "letters or signs outside plain English"
    if ADDRESS.search(line):
        return "web, e-mail or telephone address"
    if TEMPLATE.search(line):
        return "template, markup or placeholder residue"
    if FRONT_MATTER.search(line):
        return "front matter or publisher's notice"
    if GAP.search(line):
        return "gap where a formula or figure was"
    letters = sum(c.isalpha() or c == " " for c in line)
    if len(line) >= 20 and letters < 0.7 * len(line):
        return "mostly digits or signs"
    words = re.findall(r"[a-z]+", line.lower())
    if len(words) >= 8 and not COMMON_WORDS.intersection(words):
        return "no common English word"
    return None


def paragraphs(text: str, dropped: Counter[str]) -> Iterator[str]:
    """Yield the clean paragraphs of a text; lines broken in mid-sentence are joined first."""
    joined: list[str] = []
    for line in plain(text).split("\n"):
        if not line:
            continue
        broken = joined and joined[-1][-1] not in '.?!:;"'
        if broken and not line.startswith("-") and (line[0].islower() or 55 <= len(joined[-1]) <= 100):
            joined[-1] += " " + line
        else:
            joined.append(line)
    for line in joined:
        reason = why_dropped(line)
        if reason is None:
            yield from pieces(line)
        else:
            dropped[reason] += 1


def pieces(paragraph: str, limit: int = LONGEST) -> Iterator[str]:
    """Yield the paragraph, or, where it is longer than a document may be, runs of its sentences that fit."""
    start = 0
    borders = [m.end() for m in SENTENCE_END.finditer(paragraph)] if len(paragraph) > limit else []
    for border, after in zip(borders, [*borders, len(paragraph)][1:], strict=False):
        if after - start > limit:
            yield paragraph[start:border].strip()
            start = border
    yield paragraph[start:].strip()


def pack(parts: Iterator[str], rng: random.Random, dropped: Counter[str], joint: str = "\n") -> Iterator[str]:
    """Yield documents of SHORTEST to LONGEST characters made of consecutive parts; what does not fit is counted."""
    held: list[str] = []
    size, target = 0, rng.randint(SHORTEST + 50, LONGEST - 100)
    for part in parts:
        if len(part) > LONGEST:
            dropped["sentence longer than a document"] += 1
            continue
        if held and (size >= target or size + len(joint) + len(part) > LONGEST):
            yield from _checked(joint.join(held), dropped)
            held, size, target = [], 0, rng.randint(SHORTEST + 50, LONGEST - 100)
        held.append(part)
        size += len(part) + (len(joint) if len(held) > 1 else 0)
    if held:
        yield from _checked(joint.join(held), dropped)


def _checked(text: str, dropped: Counter[str]) -> Iterator[str]:
    if len(text) < SHORTEST:
        dropped[f"fragment under {SHORTEST} characters"] += 1
        return
    words = re.findall(r"[A-Za-z']+", text)
    if sum(map(len, words)) > HARD_WORDS * len(words):
        dropped[f"hard text: over {HARD_WORDS} letters a word"] += 1
        return
    yield text


def json_rows(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSONL file, gzipped or not.

    Raises:
        DataError: a line is not JSON; the message has its number.
    """
    rows = []
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            try:
                rows.append(json.loads(line))
            except ValueError as error:
                raise DataError("not JSON", where=f"{path}:{number}", why=str(error)) from error
    return rows


def read_prose(path: Path, rng: random.Random, dropped: Counter[str]) -> Iterator[str]:
    """Yield documents of books, textbook modules and posts, in shuffled order of their parts."""
    rows = json_rows(path)
    rng.shuffle(rows)
    for row in rows:
        yield from pack(paragraphs(row["text"], dropped), rng, dropped)


def read_questions(path: Path, rng: random.Random, dropped: Counter[str]) -> Iterator[str]:
    """Yield MedQuAD question-and-answer documents; an answer that is too long ends at a sentence border."""
    rows = json_rows(path)
    rng.shuffle(rows)
    openings: Counter[str] = Counter()
    for row in rows:
        question, answer = plain(row["question"]).replace(" ?", "?"), plain(row["answer"])
        opening = " ".join(answer.split()[:8])
        openings[opening] += 1
        reason = why_dropped(question) or why_dropped(answer)
        if "Human Phenotype Ontology" in answer or " - " in answer:
            reason = "table or list residue"
        if reason is None and openings[opening] > TEMPLATE_LIMIT:
            reason = f"answer opens like {TEMPLATE_LIMIT} others"
        if reason is not None:
            dropped[reason] += 1
            continue
        asks, answers = rng.choice(QUESTION_FORMS)
        head = f"{asks}: {question}\n{answers}: " if asks else f"{question}\n"
        yield from _checked(head + next(pieces(answer, LONGEST - len(head))), dropped)


def read_sentences(path: Path, rng: random.Random, dropped: Counter[str]) -> Iterator[str]:
    """Yield documents of short Tatoeba sentences, one a line, in shuffled order."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        lines = stream.read().split("\n")
    rng.shuffle(lines)
    yield from pack((part for line in lines for part in paragraphs(line, dropped)), rng, dropped)


def read_conversations(path: Path, rng: random.Random, dropped: Counter[str]) -> Iterator[str]:
    """Yield Synthetic-Persona-Chat conversations, one turn a line, cut between turns where they are too long."""
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))
    rng.shuffle(rows)
    for row in rows:
        first, second = rng.choice(SPEAKERS)
        turns = plain(row["Best Generated Conversation"] or "").strip().split("\n")
        reason = next(filter(None, map(why_dropped, turns)), None)
        if reason is not None:  # a missing turn would leave an answer to nothing
            dropped[f"conversation with {reason}"] += 1
            continue
        named = (t.replace("User 1:", f"{first}:", 1).replace("User 2:", f"{second}:", 1) for t in turns)
        yield from pack(named, rng, dropped)


def read_orders(path: Path, rng: random.Random, dropped: Counter[str]) -> Iterator[str]:
    """Yield Taskmaster-4 coffee orders, several short dialogues a document, each dialogue once."""
    dialogues = []
    for row in json_rows(path):
        turns = [f"{'Customer' if role == 'user' else 'Assistant'}: {plain(text)}" for role, text in row["turns"]]
        reason = next(filter(None, map(why_dropped, turns)), None)
        if reason is None:
            dialogues.append("\n".join(turns))
        else:
            dropped[reason] += 1
    unique = list(dict.fromkeys(dialogues))
    dropped["repeated dialogue"] += len(dialogues) - len(unique)
    rng.shuffle(unique)
    yield from pack(iter(unique), rng, dropped, "\n\n")


# The small sources come first: what one lacks of its share goes to those after it, in proportion.
SOURCES: tuple[Source, ...] = (
    Source("taskmaster4", "tm4.jsonl", "CC BY 4.0", 0.04, read_orders),
    Source("synthetic_persona_chat", "valid.csv", "CC BY 4.0", 0.10, read_conversations),
    Source("tatoeba_fra_eng", "english_unique.txt.gz", "CC BY 2.0 FR", 0.14, read_sentences),
    Source("medquad", "medquad_7k.jsonl.gz", "CC BY 4.0", 0.12, read_questions),
    Source("us_gov_plain_prose", "usgov.jsonl.gz", "Public domain / CC0 1.0", 0.12, read_prose),
    Source("children_classics", "classics.jsonl.gz", "Public domain", 0.20, read_prose),
    Source("light_fiction", "fiction.jsonl.gz", "Public domain", 0.12, read_prose),
    Source("openstax_ccby", "openstax.jsonl.gz", "CC BY 4.0", 0.16, read_prose),
)


def collect(data: Path, characters: int, seed: int, dropped: dict[str, Counter[str]]) -> dict[str, list[str]]:
    """Return each source's documents, about `characters` in all; `dropped` receives the reasons per source.

    Raises:
        ConfigError: a source's file is not under `data`.
    """
    chosen: dict[str, list[str]] = {}
    seen: set[bytes] = set()
    left = characters
    for index, source in enumerate(SOURCES):
        path = data / source.name / source.file
        if not path.is_file():
            raise ConfigError("no such file", where=str(path), remedy="give the folder of the data sets with --data")
        quota = left * source.share / sum(s.share for s in SOURCES[index:])
        counts = dropped[source.name] = Counter()
        texts = chosen[source.name] = []
        taken = 0
        for text in source.read(path, random.Random(f"{seed}:{source.name}"), counts):
            if taken >= quota:
                break
            digest = hashlib.sha256(text.encode()).digest()
            if digest in seen:
                counts["repeated document"] += 1
                continue
            seen.add(digest)
            texts.append(text)
            taken += len(text)
        left -= taken
    return chosen


def write(chosen: dict[str, list[str]], out: Path, seed: int) -> str:
    """Write all documents in shuffled order, whole file or none; return its SHA-256."""
    licences = {s.name: s.licence for s in SOURCES}
    rows = [
        json.dumps({"text": text, "meta": {"source": name, "licence": licences[name]}}) + "\n"
        for name, texts in chosen.items()
        for text in texts
    ]
    random.Random(f"{seed}:order").shuffle(rows)
    body = "".join(rows).encode()
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(out.name + ".partial")
    partial.write_bytes(body)
    partial.replace(out)
    return hashlib.sha256(body).hexdigest()


def table(chosen: dict[str, list[str]], dropped: dict[str, Counter[str]]) -> str:
    """Return the printed account: what came from where, and what was left out and why."""
    total = sum(len(t) for texts in chosen.values() for t in texts)
    lines = [f"{'source':24}{'licence':26}{'documents':>10}{'characters':>12}{'share':>8}"]
    for source in SOURCES:
        size = sum(map(len, chosen[source.name]))
        count = len(chosen[source.name])
        lines.append(f"{source.name:24}{source.licence:26}{count:10,}{size:12,}{size / max(total, 1):8.1%}")
    lines.append(f"{'total':50}{sum(map(len, chosen.values())):10,}{total:12,}{1:8.1%}")
    for name, counts in dropped.items():
        lines += [f"left out of {name}: {n:,} x {reason}" for reason, n in counts.most_common() if n]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit code (0, or the error's)."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with one folder per source")
    parser.add_argument("--out", type=Path, required=True, help="JSONL file to write")
    parser.add_argument("--characters", type=int, default=12_000_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    dropped: dict[str, Counter[str]] = {}
    try:
        if options.characters <= 0:
            raise ConfigError("must be positive", where="--characters", why=f"got {options.characters}")
        chosen = collect(options.data, options.characters, options.seed, dropped)
        digest = write(chosen, options.out, options.seed)
    except TunesmithError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(table(chosen, dropped))
    print(f"sha256 {digest}  {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
