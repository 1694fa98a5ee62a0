"""Small files that unpack, nest or promise without bound: refused with the limit named, in bounded memory."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

# What the command takes on two good rows is about 0.3 GiB.
MOST_GIB = 0.9
GOOD = json.dumps({"messages": [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]})


class Ran(NamedTuple):
    code: int
    said: str
    peak_gib: float
    found: list[dict[str, str]]


# A process's own peak: what `getrusage` says of a child includes the parent that it was forked from.
MEASURED = """
import re, sys
from tunesmith.cli.main import main
code = main(sys.argv[1:])
peak = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())
print("PEAK", peak.group(1), file=sys.stderr)
sys.exit(code)
"""


def check(file: Path, folder: Path, *more: str) -> Ran:
    """Run `data check` in a process of its own."""
    words = ["data", "check", str(file), "--out", str(folder / "out"), "--workers", "1", *more]
    ran = subprocess.run([sys.executable, "-c", MEASURED, *words], capture_output=True, text=True, check=False)
    findings = folder / "out" / "findings.jsonl"
    found = [json.loads(line) for line in findings.read_text().splitlines()] if findings.exists() else []
    said, _, peak = ran.stderr.rpartition("PEAK ")
    return Ran(ran.returncode, said, int(peak) / 2**20, found)


def gzip_bomb(folder: Path) -> Path:
    """200 kB that are 192 MiB of blank lines."""
    with gzip.open(folder / "x.jsonl.gz", "wb") as file:
        file.write(GOOD.encode() + b"\n")
        for _ in range(192):
            file.write((b" " * 1023 + b"\n") * 1024)
    return folder / "x.jsonl.gz"


def zip_bomb(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "x.jsonl", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.jsonl", b"\n" * 2**28)
    return folder / "x.jsonl"


def page_bomb(folder: Path) -> Path:
    """One text of 100 MiB in 10 kB."""
    pq.write_table(
        pa.table({"text": [b"a" * (100 * 2**20)]}, pa.schema({"text": pa.binary()})),
        folder / "x.parquet",
        compression="zstd",
        use_dictionary=False,
    )
    return folder / "x.parquet"


def many_rows(folder: Path) -> Path:
    """Fifty million rows of nothing."""
    with pq.ParquetWriter(folder / "x.parquet", pa.schema({"text": pa.string()})) as writer:
        for _ in range(10):
            writer.write_table(pa.table({"text": pa.nulls(5_000_000, pa.string())}))
    return folder / "x.parquet"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bomb", "words"),
    [
        (gzip_bomb, "unpacks to more than 200 times its size"),
        (zip_bomb, "is a zip archive"),
        (page_bomb, "the limit for one page is 67,108,864"),
        (many_rows, "promises 50,000,000 rows"),
    ],
)
def test_a_file_that_is_a_bomb_is_refused(bomb: Callable[[Path], Path], words: str, tmp_path: Path) -> None:
    ran = check(bomb(tmp_path), tmp_path)
    assert ran.code == 3 and words in " ".join(ran.said.split()), ran.said
    assert ran.peak_gib < MOST_GIB


@pytest.mark.slow
def test_a_row_that_is_a_bomb_is_set_aside_alone(tmp_path: Path) -> None:
    """A line of 100 MB and JSON nested 50,000 deep, with good rows between."""
    long = json.dumps({"prompt": "x" * 100 * 2**20, "completion": "y"})
    deep = '{"prompt": "x", "completion": ' + "[" * 50_000 + "]" * 50_000 + "}"
    (tmp_path / "x.jsonl").write_text(
        "\n".join([GOOD, long, GOOD.replace("Why", "When"), deep, GOOD.replace("Why", "Who")])
    )
    ran = check(tmp_path / "x.jsonl", tmp_path)
    bad = {f["line"]: (f["check"], f["reason"]) for f in ran.found if f["check"].startswith("broken")}
    assert ran.code == 3 and set(bad) == {2, 4}
    assert bad[2][0] == "broken.oversize" and "the limit for one row is 8,388,608" in bad[2][1]
    assert bad[4][0] == "broken.depth" and "depth limit" in bad[4][1]
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["bad_rows"] == 2
    assert ran.peak_gib < MOST_GIB


@pytest.mark.slow
def test_a_configuration_that_is_a_bomb_is_refused(tmp_path: Path) -> None:
    """Nine levels of ten aliases each: a billion values."""
    names = "abcdefghi"
    lines = ["a: &a [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"{n}: &{n} [{','.join(['*' + before] * 10)}]" for before, n in pairwise(names)]
    (tmp_path / "bomb.yaml").write_text("\n".join(lines))
    (tmp_path / "x.jsonl").write_text(GOOD)
    ran = check(tmp_path / "x.jsonl", tmp_path, "--config", str(tmp_path / "bomb.yaml"))
    assert ran.code == 2 and "50,000 values" in " ".join(ran.said.split()), ran.said
    assert ran.peak_gib < MOST_GIB
