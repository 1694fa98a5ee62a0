"""Where the rows of a part stand, in a few bytes a row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.checks.check import CheckedRow


@dataclass(frozen=True, slots=True)
class Places:
    """Row i stands at line `lines[i]` of `files[file_of[i]]`; both arrays have shape (rows,)."""

    files: tuple[str, ...]
    file_of: NDArray[np.int32]
    lines: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.lines)

    def at(self, row: int) -> tuple[str, int]:
        """Return a row's file and line."""
        return self.files[self.file_of[row]], int(self.lines[row])

    def named(self, row: int) -> str:
        """Return a row's place as `file:line`."""
        file, line = self.at(row)
        return f"{file}:{line}"


def places_of(rows: Sequence[CheckedRow]) -> Places:
    """Return where the rows stand."""
    files = {name: index for index, name in enumerate(dict.fromkeys(row.file for row in rows))}
    return Places(
        tuple(files),
        np.fromiter((files[row.file] for row in rows), dtype=np.int32, count=len(rows)),
        np.fromiter((row.line for row in rows), dtype=np.int64, count=len(rows)),
    )


def joined(parts: Iterable[Places]) -> Places:
    """Return the places of all parts' rows, in order."""
    files: dict[str, int] = {}
    indices, lines = [np.zeros(0, dtype=np.int32)], [np.zeros(0, dtype=np.int64)]
    for part in parts:
        renamed = np.array([files.setdefault(name, len(files)) for name in part.files], dtype=np.int32)
        indices.append(renamed[part.file_of])
        lines.append(part.lines)
    return Places(tuple(files), np.concatenate(indices), np.concatenate(lines))
