"""The environment is read on the command-line floor; what torchrun sets, caches and compilers need, in a file each."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "src" / "tunesmith"
ALLOWED = {"cli/surroundings.py", "train/distributed.py", "core/cache.py", "native/library.py"}


def test_no_environment_variable_is_read_below_the_command_line() -> None:
    readers = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb"):
                readers.add(str(path.relative_to(PACKAGE)))
    assert readers <= ALLOWED
