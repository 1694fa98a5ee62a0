from __future__ import annotations

from pathlib import Path

from tunesmith.checks.quarantined import finding_of
from tunesmith.formats.rows import ROW_LIMIT_BYTES
from tunesmith.formats.streaming import stream

GOOD = '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}'
BAD = {
    GOOD[:40].encode(): "broken.json",
    GOOD.encode().replace(b'"b"', b'"\xff"'): "broken.encoding",
    GOOD.replace('"user"', '"critic"').encode(): "broken.role",
    GOOD.replace('"b"', "7").encode(): "broken.type",
    GOOD.replace('"b"', '" "').encode(): "broken.empty",
    GOOD.replace('"b"', r'"\ud800"').encode(): "broken.json",
    b"[" * 2000 + b"]" * 2000: "broken.depth",
    b'{"x": 1}': "broken.type",
    b'"' + b"x" * (ROW_LIMIT_BYTES + 10) + b'"': "broken.oversize",
}


def test_each_reason_of_the_reader_has_its_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join([GOOD.encode()] * 20 + list(BAD)))
    bad = [quarantined for row in stream(path) for quarantined in row.quarantined]
    found = [finding_of(row) for row in bad]
    assert [(f.line, f.check) for f in found] == [(21 + i, kind) for i, kind in enumerate(BAD.values())]
    assert {f.severity for f in found} == {"error"} and all(f.reason for f in found)
