"""A file as UTF-8 bytes, whatever it was: plain or gzip, UTF-8 or UTF-16; and those bytes as bounded lines."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from tunesmith.core.errors import ConfigError, DataError
from tunesmith.formats.rows import ROW_LIMIT_BYTES

PEEK_BYTES = 64 * 2**10
# deflate cannot exceed about 1030:1; ordinary text stays under 20:1
BOMB_RATIO, BOMB_FLOOR_BYTES = 200, 64 * 2**20
ARCHIVES = {
    b"PK\x03\x04": "zip",
    b"\x28\xb5\x2f\xfd": "zstandard",
    b"\xfd7zXZ\x00": "xz",
    b"BZh": "bzip2",
    b"7z\xbc\xaf": "7-zip",
}


class ByteSource(NamedTuple):
    """An open file: its bytes as UTF-8, its first bytes, and what was done to get there."""

    stream: io.BufferedReader[Any]
    head: bytes
    notes: list[str]


class Line(NamedTuple):
    """One line. `problem` says why it cannot be used; `data` is then only its beginning."""

    number: int
    data: bytes
    problem: str = ""


class _Recoded(io.RawIOBase):
    """UTF-16 read as UTF-8. What is not valid UTF-16 becomes invalid UTF-8, so that the row is noticed later."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
        self._ready = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        while not self._ready and not self._ended:
            chunk = self._stream.read(PEEK_BYTES)
            self._ended = not chunk
            try:
                text = self._decoder.decode(chunk, self._ended)
                self._ready = text.encode("utf-8", "surrogatepass")
            except UnicodeDecodeError:
                self._decoder.reset()
                self._ready = b"\xff"
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        size = min(len(view), len(self._ready))
        view[:size], self._ready = self._ready[:size], self._ready[size:]
        return size


class _Guarded(io.RawIOBase):
    """A gzip stream that stops when it grows out of all proportion to its file."""

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self._stream = stream
        self._path = path
        self._size = max(path.stat().st_size, 1)
        self._read = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        chunk = self._stream.read(len(view))
        view[: len(chunk)] = chunk
        self._read += len(chunk)
        if self._read > BOMB_FLOOR_BYTES and self._read > BOMB_RATIO * self._size:
            raise DataError(
                f"unpacks to more than {BOMB_RATIO} times its size, as a decompression bomb does",
                where=str(self._path),
                remedy="unpack it yourself if you trust it",
            )
        return len(chunk)


def utf16_name(head: bytes) -> str | None:
    """Return the codec if bytes look like UTF-16: by the byte order mark, else by zero bytes at every second place."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    pairs = len(head) // 2
    if pairs >= 2:
        if head[1::2].count(0) > 0.8 * pairs and not head[0::2].count(0):
            return "utf-16-le"
        if head[0::2].count(0) > 0.8 * pairs and not head[1::2].count(0):
            return "utf-16-be"
    return None


@contextmanager
def open_bytes(path: Path) -> Iterator[ByteSource]:
    """Open a file; inside the block `stream` yields UTF-8 without a byte order mark.

    Raises:
        ConfigError: the file cannot be opened.
        DataError: it is an archive of another kind than gzip, or damaged from its first byte on.
    """
    notes: list[str] = []
    with ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("rb", buffering=0))
            stream: io.BufferedReader[Any] = io.BufferedReader(file, PEEK_BYTES)
            if stream.peek(2)[:2] == b"\x1f\x8b":
                unpacked = cast(BinaryIO, stack.enter_context(gzip.open(stream, "rb")))
                stream = io.BufferedReader(_Guarded(unpacked, path), PEEK_BYTES)
                notes.append("unpacked from gzip")
            head = _peek(stream)
            if encoding := utf16_name(head):
                stream = io.BufferedReader(_Recoded(stream, encoding), PEEK_BYTES)
                notes.append("read as UTF-16")
                head = _peek(stream)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataError("the gzip file is damaged at its beginning", where=str(path), why=str(error)) from error
        except OSError as error:
            raise ConfigError("cannot be opened", where=str(path), why=error.strerror or str(error)) from error
        for magic, name in ARCHIVES.items():
            if head.startswith(magic):
                raise DataError(
                    f"is a {name} archive", where=str(path), remedy="unpack it first; gzip is read as it is"
                )
        if head.startswith(codecs.BOM_UTF8):
            stream.read(len(codecs.BOM_UTF8))
            head = head[len(codecs.BOM_UTF8) :]
        yield ByteSource(stream, head, notes)


def _peek(stream: io.BufferedReader[Any]) -> bytes:
    """Return the first bytes without consuming them; a stream's peek gives at most one buffer."""
    return stream.peek(PEEK_BYTES)[:PEEK_BYTES]


def lines(stream: io.BufferedReader[Any], limit: int = ROW_LIMIT_BYTES, *, keep_ends: bool = False) -> Iterator[Line]:
    """Yield the lines of a stream, never holding more than `limit` bytes of one.

    A line over the limit, and the place where a compressed file breaks off, come as a `Line` with its `problem`.
    """
    number = 0
    while True:
        number += 1
        try:
            data = stream.readline(limit + 1)
            if not data:
                return
            if len(data) > limit and not data.endswith(b"\n"):
                size = len(data) + _skip_line(stream)
                yield Line(number, data[:2000], f"is {size:,} bytes long; the limit for one row is {limit:,}")
                continue
        except (EOFError, zlib.error, OSError) as error:
            yield Line(number, b"", f"the compressed file is damaged from here on: {error}")
            return
        yield Line(number, data if keep_ends else data.rstrip(b"\r\n"))


def _skip_line(stream: io.BufferedReader[Any]) -> int:
    skipped = 0
    while piece := stream.readline(PEEK_BYTES):
        skipped += len(piece)
        if piece.endswith(b"\n"):
            break
    return skipped
