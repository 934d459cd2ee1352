"""No text of a rule becomes code: what the source may not hold, and the few places where it reaches names or modules by a variable."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted([*ROOT.glob("segkernel/**/*.py"), *ROOT.glob("dsl/segdsl/**/*.py")])
RUNS_CODE = {"eval", "exec", "compile", "__import__", "breakpoint", "input"}
LOADERS = {
    "pickle", "cPickle", "dill", "cloudpickle", "joblib", "jsonpickle", "marshal", "shelve", "yaml", "ruamel", "subprocess", "pty", "code",
    "codeop", "runpy", "imp", "numexpr", "asteval", "simpleeval", "jinja2", "importlib",
}  # fmt: skip
STARTS = {"system", "popen", "startfile", "fork", "forkpty"}
BY_NAME = {"getattr", "setattr", "hasattr", "delattr", "attrgetter", "methodcaller", "vars", "globals", "locals", "force_setattr"}
OWN_FIELDS = "the names of the fields of a class of ours, from the class itself"
OWN_CLASSES = "the names in a module of ours, read when it is loaded"
OWN_WORDS = "words that stand in the source beside it"

# A text of a rule can be none of these names; a place that is new has to say why.
REASONS = {
    "dsl/segdsl/__init__.py": "the names that the package exports, from a list in it; what writes rules is loaded when it is asked for",
    "dsl/segdsl/calls.py": OWN_WORDS,
    "dsl/segdsl/faces.py": OWN_FIELDS,
    "dsl/segdsl/form_schema.py": OWN_WORDS,
    "dsl/segdsl/leaves.py": OWN_FIELDS,
    "dsl/segdsl/missing.py": OWN_WORDS,
    "dsl/segdsl/names.py": OWN_CLASSES,
    "dsl/segdsl/parser.py": OWN_FIELDS,
    "dsl/segdsl/relative.py": OWN_WORDS,
    "dsl/segdsl/remarks.py": OWN_FIELDS,
    "dsl/segdsl/syntax.py": OWN_FIELDS,
    "dsl/segdsl/tree.py": OWN_CLASSES,
    "dsl/segdsl/written.py": OWN_CLASSES,
    "segkernel/__init__.py": "the names that the package exports, from a table in it; a module is loaded when it is first asked for",
    "segkernel/meaning.py": OWN_FIELDS,
    "segkernel/oracle/clauses.py": OWN_FIELDS,
    "segkernel/oracle/evaluate.py": OWN_FIELDS,
    "segkernel/oracle/naming.py": OWN_FIELDS,
    "segkernel/rules.py": "what a data set keeps of the rules that ran on it, under one name that stands in the source",
    "segkernel/why/funnel.py": OWN_WORDS,
}
TEMPLATES = {
    "dsl/segdsl/diagnostics.py": "the messages in its tables",
    "dsl/segdsl/neighbours.py": "the hints in its tables",
    "dsl/segdsl/paths.py": "one of two hints that stand above it",
}


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else node.func.attr if isinstance(node.func, ast.Attribute) else ""


def modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [each.name for each in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


@pytest.mark.parametrize("path", FILES, ids=place)
def test_nothing_runs_text_as_code_or_loads_objects(path: Path) -> None:
    own = {
        name.asname or name.name
        for node in nodes(path)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("segdsl", "segkernel")
        for name in node.names
    } | {node.name for node in nodes(path) if isinstance(node, ast.FunctionDef)}
    for node in nodes(path):
        if isinstance(node, ast.Name):
            assert node.id not in RUNS_CODE - own, ast.unparse(node)
        elif isinstance(node, ast.Attribute):
            assert not (isinstance(node.value, ast.Name) and node.value.id == "os" and node.attr.startswith((*STARTS, "exec", "spawn")))
            assert node.attr not in ("allow_pickle", "deserialize", "__globals__", "__subclasses__", "__code__"), ast.unparse(node)
        elif isinstance(node, ast.keyword):
            assert node.arg not in ("shell", "allow_pickle")
        for module in modules(node):
            allowed = module == "importlib.metadata" or (module == "importlib" and place(path) == "segkernel/__init__.py")
            assert module.split(".")[0] not in LOADERS or allowed, module


def by_variable(node: ast.AST) -> bool:
    """Whether something is reached by a name that is no literal."""
    if not isinstance(node, ast.Call) or called(node) not in BY_NAME:
        return False
    names = node.args if called(node) in ("attrgetter", "methodcaller") else node.args[1:2]
    return not names or not all(isinstance(name, ast.Constant) for name in names)


def test_names_that_are_no_literals_are_our_own() -> None:
    found = {place(path) for path in FILES if any(by_variable(node) for node in nodes(path))}
    assert found == set(REASONS)


def test_templates_are_our_own() -> None:
    def filled(node: ast.AST) -> bool:
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr not in ("format", "format_map"):
            return False
        return not isinstance(node.func.value, ast.Constant) and ast.unparse(node.func.value) != "msgspec.json"

    assert {place(path) for path in FILES if any(filled(node) for node in nodes(path))} == set(TEMPLATES)
