"""Nothing in the package can run code out of a file: no pickle, no torch.load, no eval, no remote code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
FORBIDDEN_MODULES = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_METHODS = {("torch", "load"), ("yaml", "unsafe_load"), ("yaml", "full_load"), ("yaml", "load_all")}
UNSAFE_LOADERS = {"Loader", "CLoader", "FullLoader", "CFullLoader", "UnsafeLoader", "CUnsafeLoader"}


def offences(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (name.name for name in names if name.name.split(".")[0] in FORBIDDEN_MODULES)
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in FORBIDDEN_MODULES:
                yield module
            case ast.Call(func=ast.Name(id=name)) if name in FORBIDDEN_CALLS:
                yield f"{name}("
            case ast.Attribute(value=ast.Name(id="yaml"), attr=name) if name in UNSAFE_LOADERS:
                yield f"yaml.{name}"
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if (owner, name) in FORBIDDEN_METHODS:
                yield f"{owner}.{name}"
            case ast.keyword(arg="trust_remote_code" | "allow_pickle", value=ast.Constant(value=True)):
                yield str(node.arg)
            case ast.keyword(arg="weights_only", value=ast.Constant(value=False)):
                yield "weights_only=False"


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: str(path.relative_to(SOURCE)))
def test_file_runs_no_foreign_code(path: Path) -> None:
    assert list(offences(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "eval('1')",
        "torch.load(path)",
        "yaml.load(text, Loader=yaml.FullLoader)",
        "f(trust_remote_code=True)",
        "load(x, weights_only=False)",
    ],
)
def test_the_check_sees_an_offence(source: str) -> None:
    assert list(offences(source))


def test_the_check_leaves_innocent_code_alone() -> None:
    assert list(offences("model.eval(); re.compile('x'); safetensors.load(p); f(trust_remote_code=False)")) == []
