"""`python -m benchmarks.planted_faults --data DIR --rows 20000`: how many planted faults `data check` finds.

Takes rows from real sets in DIR (Super-NaturalInstructions, MedQuAD, OpenTriviaQA, the Alpaca demo), plants each kind
of fault into `--share` of them, runs `tunesmith data check`, and prints recall and precision by kind as a table.
A row counts once. Precision takes every unplanted row that is found as false, although real data has faults of its own;
`--show KIND` prints those rows' findings, to be judged by eye.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tunesmith.cli.main import main as tunesmith

Row = dict[str, Any]
MAX_CHARACTERS = 1800
MAX_LENGTH = 1024
GLOSSARY = "noise.glossary={error: [bug, glitch], customer: [client, punter]}"


def base_rows(folder: Path, rng: random.Random) -> list[Row]:
    """Return chat rows from the real sets, shuffled."""
    pairs: list[tuple[str, str]] = []
    for row in _lines(folder / "superni_permissive" / "instances.jsonl.gz"):
        pairs.append((row["input"], row["output"][0] if isinstance(row["output"], list) else row["output"]))
    pairs += [(row["question"], row["answer"]) for row in _lines(folder / "medquad" / "medquad_7k.jsonl.gz")]
    pairs += [(row["question"], row["answer"]) for row in _lines(folder / "opentriviaqa" / "opentriviaqa.jsonl.gz")][
        ::5
    ]
    alpaca = json.loads((folder / "llamafactory_demos" / "alpaca_en_demo.json").read_text())
    pairs += [(f"{row['instruction']}\n{row['input']}".strip(), row["output"]) for row in alpaca]
    fine = [p for p in pairs if all(isinstance(t, str) and t.strip() for t in p) and sum(map(len, p)) < MAX_CHARACTERS]
    rng.shuffle(fine)
    return [{"messages": [{"role": "user", "content": a}, {"role": "assistant", "content": b}]} for a, b in fine]


def _lines(path: Path) -> Iterator[Row]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


# --- the faults: each changes a row's texts and returns the line, or None where the row does not suit ----------------


def answered(change: Callable[[str, random.Random], str | None]) -> Callable[[Row, random.Random], bytes | None]:
    """Return the fault that changes a row's answer so."""

    def plant(row: Row, rng: random.Random) -> bytes | None:
        changed = change(row["messages"][-1]["content"], rng)
        if changed is None:
            return None
        row["messages"][-1]["content"] = changed
        return _dump(row)

    return plant


def _asked(change: Callable[[str, random.Random], str | None]) -> Callable[[Row, random.Random], bytes | None]:
    def plant(row: Row, rng: random.Random) -> bytes | None:
        changed = change(row["messages"][0]["content"], rng)
        if changed is None:
            return None
        row["messages"][0]["content"] = changed
        return _dump(row)

    return plant


def _dump(row: Row) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode()


def _inside(text: str, piece: str, rng: random.Random) -> str:
    words = text.split(" ")
    words.insert(rng.randint(0, len(words)), piece)
    return " ".join(words)


def truncated(row: Row, rng: random.Random) -> bytes:
    line = _dump(row)
    return line[: rng.randint(len(line) // 3, len(line) - 3)].decode(errors="ignore").encode()


def invalid_utf8(row: Row, rng: random.Random) -> bytes:
    line = _dump(row)
    return line[:-6] + rng.choice((b"\xff", b"\xe9t", b"\xc3", b"\xa0\xb0")) + line[-6:]


def unknown_role(row: Row, rng: random.Random) -> bytes:
    row["messages"][0]["role"] = rng.choice(("narrator", "critic", "usr", "observer"))
    return _dump(row)


def wrong_type(row: Row, rng: random.Random) -> bytes:
    row["messages"][-1]["content"] = rng.choice((7, True, {"text": "x"}, 2.5))
    return _dump(row)


def mojibake(text: str, rng: random.Random) -> str:
    piece = rng.choice(
        ("the café’s naïve rôle", "it’s “quoted”", "Zürich – Genève", "señor Muñoz", "20 °C ± 3", "façade…")
    )
    return _inside(text, piece.encode().decode("cp1252", "replace").replace("\ufffd", "\u009d"), rng)


def html(text: str, rng: random.Random) -> str:
    pieces = (
        "<br />",
        "<p>{}</p>",
        '<a href="/about">{}</a>',
        "&nbsp;",
        "<div class='main'>{}</div>",
        "<li>{}</li>",
        "&amp;",
        "<b>{}</b>",
    )
    words = text.split(" ")
    at = rng.randrange(len(words))
    piece = rng.choice(pieces)
    words[at] = piece.format(words[at]) if "{}" in piece else words[at] + piece
    return " ".join(words)


REFUSALS = (
    "As an AI language model, I do not have opinions about this.",
    "I'm sorry, but I cannot help with that request.",
    "I am just an AI and do not have access to that information.",
    "I cannot fulfill this request.",
    "Sorry, as a large language model trained by OpenAI I can't browse the internet.",
    "I'm unable to assist with this topic, but here is something else.",
    "As of my knowledge cutoff in 2021, there is no such thing.",
    "I am not able to provide medical advice.",
)
PLACEHOLDERS = (
    "Lorem ipsum dolor sit amet, consectetur adipiscing elit.", "TODO: write the answer", "[insert name here]",
    "{{customer_name}}",
    "Dear [Your Name],", "<insert date>", "Your answer goes here: text goes here", "TBD", "[Company Name]",
    "{{ order.id }}",
)  # fmt: skip
BOILERPLATE = (
    "Subscribe to our newsletter for more.", "We use cookies to improve your visit.",
    "© 2019 Acme. All rights reserved.",
    "Share on Facebook", "Please enable JavaScript to view this page.",
    "Home | Contact us | Privacy policy | Terms of use",
    "Was this article helpful? Yes No", "Skip to content", "You might also like: ten more stories",
)  # fmt: skip
FOREIGN = (
    "Das ist eine sehr gute Frage, und die Antwort ist nicht einfach, weil der Grund dafür auch mit der Zeit sich "
    "ändert.",
    "Il faut que vous sachiez que les raisons de cette chose sont dans la nature et que ce n'est pas une faute.",
    "La respuesta es que los animales no pueden vivir en este lugar por la falta de agua, y es muy difícil para las "
    "plantas.",
    "Het antwoord is dat de meeste mensen niet weten hoe het werkt, en dat is ook niet nodig voor een goed leven.",
    "A resposta é que os homens não sabem como isso é feito, mas com o tempo eles vão ser mais fortes.",
    "La risposta è che gli uomini non sono come gli animali, e questo si vede anche nella loro vita di ogni giorno.",
    "Ответ очень простой: это зависит от погоды и времени года.",
    "答案很简单，这取决于天气和季节的变化。",
    "答えはとても簡単です。天気によって変わります。",
)
TOXIC = (
    "You are a stupid idiot.", "Shut the hell up, you fucking moron.", "Go kill yourself.",
    "What a bunch of retarded assholes.",
    "I hope you die, you worthless piece of trash.", "That bitch is a dumb whore.", "You're pathetic, loser.",
    "Those filthy scumbags deserve to die.",
)  # fmt: skip
VAGUE = (
    "Fix this.",
    "make it better",
    "Do it",
    "help",
    "Improve this",
    "something",
    "Explain.",
    "summarize this",
    "continue",
)
NO_MATERIAL = (
    "Summarize the following text:", "Correct the errors in the following sentence.",
    "Translate the following paragraph into plain words:\nthe following text:",
    "Classify the review below.", "Answer with the help of the passage below:", "Sort the following numbers:",
)  # fmt: skip


def foreign(row: Row, rng: random.Random) -> bytes | None:
    if len(row["messages"][0]["content"].split()) < 10:
        return None
    row["messages"][-1]["content"] = rng.choice(FOREIGN)
    return _dump(row)


def copied(row: Row, rng: random.Random) -> bytes | None:
    prompt = row["messages"][0]["content"]
    if len(prompt.split()) < 8:
        return None
    tail = rng.choice(("", "", " " + row["messages"][-1]["content"]))
    row["messages"][-1]["content"] = prompt + tail
    return _dump(row)


def repeated(text: str, rng: random.Random) -> str:
    words = text.split()[:400]
    size = rng.choice((1, 2, 3, 6, 10))
    at = rng.randrange(len(words))
    piece = " ".join(words[at : at + size])
    if not any(c.isalpha() for c in piece):
        piece = "and so on"
    if rng.random() < 0.4:
        return "\n".join([" ".join(words[:12])] * rng.randint(5, 12))
    return " ".join(words[:at]) + f" {piece}" * rng.randint(8, 30)


def misspelt(text: str, rng: random.Random) -> str | None:
    words = text.split(" ")
    long = [i for i, word in enumerate(words) if len(word) > 3 and word.isalpha() and word.islower()]
    if len(long) < 12:
        return None
    for index in rng.sample(long, max(5, len(words) // 5) if len(long) > len(words) // 5 else len(long) - 2):
        word = words[index]
        at = rng.randrange(1, len(word) - 1)
        swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        slips = (
            swapped,
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
            word[:at] + "x" + word[at + 1 :],
        )
        words[index] = rng.choice(slips)
    return " ".join(words)


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices("0123456789", k=count))


def email(rng: random.Random) -> str:
    name = rng.choice(("anna.berg", "j.smith", "li_wei", "support", "maria+shop", "t.okafor"))
    return f"{name}{rng.randint(1, 99)}@{rng.choice(('gmail.com', 'acme.co.uk', 'mail.shop.org', 'web.de'))}"


def phone(rng: random.Random) -> str:
    d = _digits(rng, 12).replace("0", "2")
    return rng.choice(
        (f"+49 30 {d[:4]} {d[4:8]}", f"({d[:3]}) {d[3:6]}-{d[6:10]}", f"{d[:3]}-{d[3:6]}-{d[6:10]}",
        f"+1 {d[:3]} {d[3:6]} {d[6:10]}",
         f"0{d[:2]} {d[2:6]} {d[6:10]}", f"+33 {d[0]} {d[1:3]} {d[3:5]} {d[5:7]} {d[7:9]}")
    )  # fmt: skip


def card(rng: random.Random) -> str:
    head = rng.choice(("4", "51", "55", "37", "6011"))
    body = head + _digits(rng, (15 if head == "37" else 16) - len(head) - 1)
    total = sum(int(d) if i % 2 else sum(divmod(2 * int(d), 10)) for i, d in enumerate(reversed(body)))
    number = body + str(-total % 10)
    return rng.choice((number, " ".join(number[i : i + 4] for i in range(0, len(number), 4))))


def iban(rng: random.Random) -> str:
    country, body = rng.choice(
        (
            ("DE", _digits(rng, 18)),
            ("GB", "NWBK" + _digits(rng, 14)),
            ("FR", _digits(rng, 23)),
            ("NL", "ABNA" + _digits(rng, 10)),
        )
    )
    check = 98 - int("".join(str(int(c, 36)) for c in body + country + "00")) % 97
    plain = f"{country}{check:02d}{body}"
    return rng.choice((plain, " ".join(plain[i : i + 4] for i in range(0, len(plain), 4))))


def key(rng: random.Random) -> str:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    some = "".join(rng.choices(letters, k=48))
    upper = "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16))
    return rng.choice(
        (f"AKIA{upper}", f"ghp_{some[:36]}", f"sk-{some}", f"sk_live_{some[:24]}", f"api_key = '{some[:32]}'",
        f"xoxb-{_digits(rng, 12)}-{some[:24]}", f"hf_{some[:34]}")
    )  # fmt: skip


def planted_with(pieces: tuple[str, ...], *, instead: bool = False) -> Callable[[str, random.Random], str]:
    def change(text: str, rng: random.Random) -> str:
        piece = rng.choice(pieces)
        return piece if instead else rng.choice((f"{piece} {text}", f"{text} {piece}", f"{text}\n\n{piece}"))

    return change


def drawn(draw: Callable[[random.Random], str]) -> Callable[[Row, random.Random], bytes | None]:
    return answered(lambda text, rng: _inside(text, draw(rng), rng))


FAULTS: dict[str, Callable[[Row, random.Random], bytes | None]] = {
    "broken.json": truncated,
    "broken.encoding": invalid_utf8,
    "broken.role": unknown_role,
    "broken.type": wrong_type,
    "broken.empty": answered(lambda text, rng: rng.choice(("", "  ", "\n"))),
    "broken.mojibake": answered(mojibake),
    "broken.control": answered(lambda text, rng: _inside(text, rng.choice("\x01\x07\x08\x0b\x1b\x7f"), rng)),
    "broken.invisible": answered(lambda text, rng: _inside(text, rng.choice("\u200b\u2060\ufeff\u00ad"), rng) + "."),
    "broken.bidi": answered(lambda text, rng: _inside(text, rng.choice("\u202e\u202d\u2066\u200f"), rng) + "."),
    "broken.html": answered(html),
    "noise.refusal": answered(planted_with(REFUSALS)),
    "noise.placeholder": answered(planted_with(PLACEHOLDERS)),
    "noise.boilerplate": answered(planted_with(BOILERPLATE)),
    "noise.copies_prompt": copied,
    "noise.language": foreign,
    "noise.repetition": answered(repeated),
    "noise.spelling": answered(misspelt),
    "noise.terms": answered(lambda text, rng: _inside(text, rng.choice(("bug", "glitch", "punter", "clients")), rng)),
    "pii.email": drawn(email),
    "pii.phone": drawn(phone),
    "pii.card": drawn(card),
    "pii.iban": drawn(iban),
    "pii.key": drawn(key),
    "toxicity": answered(planted_with(TOXIC)),
    "tokens.overlong": answered(lambda text, rng: text + "\n" + " ".join(rng.choices(_WORDS, k=1500))),
    "tokens.nothing_to_learn": _asked(lambda text, rng: text + "\n" + " ".join(rng.choices(_WORDS, k=1800))),
    "prompt_clarity.vague": _asked(planted_with(VAGUE, instead=True)),
    "prompt_clarity.no_material": _asked(planted_with(NO_MATERIAL, instead=True)),
}
_WORDS = [
    "river",
    "stone",
    "carpet",
    "winter",
    "market",
    "letter",
    "garden",
    "silver",
    "window",
    "morning",
    "paper",
    "bridge",
    "forest",
    "music",
    "doctor",
    "summer",
]


def build(folder: Path, rows: int, share: float, seed: int, path: Path) -> dict[int, str]:
    """Write the file; return line -> the kind planted there."""
    rng = random.Random(seed)
    base = base_rows(folder, rng)
    base = [json.loads(json.dumps(base[i % len(base)])) for i in range(rows)]
    free = list(range(rows))
    rng.shuffle(free)
    lines = [_dump(row) for row in base]
    planted: dict[int, str] = {}
    for kind, plant in FAULTS.items():
        missing = round(rows * share)
        skipped = []
        while missing:
            index = free.pop()
            line = plant(base[index], rng)
            if line is None:
                skipped.append(index)
                continue
            lines[index] = line
            planted[index + 1] = kind
            missing -= 1
        free = skipped + free
    path.write_bytes(b"\n".join(lines) + b"\n")
    return planted


def table(planted: dict[int, str], findings: Path) -> list[str]:
    """Return the Markdown rows: planted, found of them, recall, unplanted rows found, precision."""
    found: dict[str, set[int]] = defaultdict(set)
    for line in findings.read_text().splitlines():
        finding = json.loads(line)
        kind = finding["check"]
        found["toxicity" if kind.startswith("toxicity.") else kind].add(finding["line"])
    lines = ["| kind | planted | found | recall | unplanted rows found | precision |", "|---|---:|---:|---:|---:|---:|"]
    for kind in FAULTS:
        rows = {line for line, name in planted.items() if name == kind}
        hits = len(rows & found[kind])
        wrong = len(found[kind] - rows)
        precision = f"{hits / (hits + wrong):.1%}" if hits + wrong else "–"
        lines.append(f"| `{kind}` | {len(rows)} | {hits} | {hits / len(rows):.1%} | {wrong} | {precision} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--share", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--show", default="", help="a kind whose unplanted and missed rows are printed")
    parser.add_argument("--keep", type=Path, help="a folder for the file and the report")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "planted.jsonl"
        planted = build(given.data, given.rows, given.share, given.seed, file)
        words = [
            "data",
            "check",
            str(file),
            "--out",
            str(folder / "check"),
            "--max-length",
            str(MAX_LENGTH),
            "--fail-on",
            "never",
        ]
        code = tunesmith([*words, "--set", GLOSSARY, "--workers", str(given.workers)])
        assert code == 0, code
        print("\n".join(table(planted, folder / "check" / "findings.jsonl")))
        if given.show:
            show(given.show, planted, file, folder / "check" / "findings.jsonl")


def show(kind: str, planted: dict[int, str], file: Path, findings: Path) -> None:
    """Print what was found without being planted, and what was planted without being found."""
    seen = set()
    for line in findings.read_text().splitlines():
        finding = json.loads(line)
        if finding["check"].startswith(kind):
            seen.add(finding["line"])
            if not planted.get(finding["line"], "").startswith(kind):
                print("unplanted", finding["line"], planted.get(finding["line"], ""), finding["reason"][:160])
    texts = file.read_bytes().splitlines()
    for number, name in planted.items():
        if name.startswith(kind) and number not in seen:
            print("missed", number, texts[number - 1][-300:])


if __name__ == "__main__":
    main()
