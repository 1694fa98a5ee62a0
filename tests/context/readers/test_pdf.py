from __future__ import annotations

import io

import pytest
from pypdf import PdfWriter

from tunesmith.context.readers.pdf import read
from tunesmith.core.errors import DataError


def small_pdf(text: str) -> bytes:
    """A one-page PDF by hand: enough of the format for a line of text."""
    stream = f"BT /F1 12 Tf 72 720 Td ({text}) Tj ET".encode()
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    body = b"%PDF-1.4\n"
    places = []
    for number, part in enumerate(parts, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return body + b"xref\n0 6\n0000000000 65535 f \n%strailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (
        table,
        len(body),
    )


def test_text_comes_under_its_page() -> None:
    found = read(small_pdf("Refunds take 30 days."))
    assert [(block.heading, block.text) for block in found.blocks] == [("page 1", "Refunds take 30 days.")]


def test_a_page_without_text_is_named() -> None:
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    data = io.BytesIO()
    writer.write(data)
    found = read(data.getvalue())
    assert not found.blocks and "page(s) 1 hold no text" in found.notes[0]


def test_a_locked_one_says_so() -> None:
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    writer.encrypt("word", algorithm="RC4-128")
    data = io.BytesIO()
    writer.write(data)
    with pytest.raises(DataError, match="password"):
        read(data.getvalue())


@pytest.mark.parametrize("cut", [20, 120, 300, 420])
def test_damage_is_an_error_or_less_text_never_a_crash(cut: int) -> None:
    try:
        read(small_pdf("Refunds")[:cut])
    except DataError as error:
        assert "PDF" in str(error)
