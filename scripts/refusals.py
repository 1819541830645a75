# ruff: noqa: INP001 - a script beside the Makefile's, in no package
"""Collect what refusals say, so that none is without its Spanish: `python scripts/refusals.py` prints it.

Read from the code alone: each text that a problem or a mend can be, with `{}` where a value comes in. What reaches a
refusal by a value (a state, a library's own message) no reading tells: templates/locale/es/refusals.toml has a table
for it.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).resolve().parent.parent
PLACES = ("worker/rules", "worker/intake", "worker/actions", "worker/reading", "worker/channels/mail_bytes.py")
WORDS = {"Refusal": ((1, "problem"), (2, "mend")), "Finding": ((2, "message"),), "ValueError": ((0, ""),)}
"""Which arguments are words; a finding and a validator's ValueError say "problem; mend" in one."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Call(NamedTuple):
    """A call, the functions around it (the innermost first), and the module that it stands in."""

    node: ast.Call
    around: tuple[Function, ...]
    module: ast.Module


def said() -> set[str]:
    """Every problem and every mend that the code spells out; `{}` is a value."""
    places = [ROOT / place for place in PLACES]
    paths = [path for place in places for path in ([place] if place.is_file() else sorted(place.rglob("*.py")))]
    return said_in(path.read_text(encoding="utf-8") for path in paths)


def said_in(sources: Iterable[str]) -> set[str]:
    """The same of any modules."""
    calls = _Calls()
    for source in sources:
        module = ast.parse(source)
        calls.collect(module, (), module)
    return {words for kind in WORDS for words in calls.words(kind)}


class _Calls:
    """Every call by the name called: a helper that makes a refusal gets its words from whoever calls it."""

    def __init__(self) -> None:
        self._named: dict[str, list[Call]] = defaultdict(list)

    def collect(self, node: ast.AST, around: tuple[Function, ...], module: ast.Module) -> None:
        """All calls within a node."""
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Call):
                self._named[_name(child.func)].append(Call(child, around, module))
            self.collect(child, (child, *around) if isinstance(child, Function) else around, module)

    def words(self, kind: str) -> Iterator[str]:
        """What all calls of that kind say."""
        for call in (each for each in self._named[kind] if kind != "ValueError" or _validates(each.module)):
            for text in (text for which in WORDS[kind] for text in self._argument(call, *which, ())):
                yield from [text] if kind == "Refusal" else text.split("; ", 1)

    def _argument(self, call: Call, place: int, name: str, seen: tuple[ast.AST, ...]) -> Iterator[str]:
        for node in (
            *call.node.args[place : place + 1],
            *(each.value for each in call.node.keywords if each.arg == name),
        ):
            yield from self._texts(node, call, seen)

    def _texts(self, node: ast.expr | None, at: Call, seen: tuple[ast.AST, ...]) -> Iterator[str]:
        """What an expression can say, read where it stands."""
        if node is None or node in seen:
            return
        seen = (*seen, node)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(map(_piece, node.values))
        elif isinstance(node, ast.IfExp):
            yield from (*self._texts(node.body, at, seen), *self._texts(node.orelse, at, seen))
        elif isinstance(node, ast.BoolOp):
            yield from (text for value in node.values for text in self._texts(value, at, seen))
        elif isinstance(node, ast.Name):
            yield from self._variable(node.id, at, seen)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield from self._returned(node.func.id, at, seen)

    def _variable(self, name: str, at: Call, seen: tuple[ast.AST, ...]) -> Iterator[str]:
        """What a name stands for: in its own function first, then in those around it, then in the module."""
        for depth, function in enumerate(at.around):
            inside = at._replace(around=at.around[depth:])
            given = [each.arg for each in (*function.args.args, *function.args.kwonlyargs) if each.arg != "self"]
            values = list(_assigned(name, ast.walk(function)))
            yield from (text for value in values for text in self._texts(value, inside, seen))
            if name in given:
                yield from self._given(function, given.index(name), name, inside, seen)
            if values or name in given:
                return
        for value in _assigned(name, at.module.body):
            yield from self._texts(value, at._replace(around=()), seen)

    def _given(self, function: Function, place: int, name: str, at: Call, seen: tuple[ast.AST, ...]) -> Iterator[str]:
        """What the callers of a helper give for one of its parameters; a private one is called in its module alone."""
        for call in self._named[function.name]:
            if call.module is at.module or not function.name.startswith("_"):
                yield from self._argument(call, place, name, seen)

    def _returned(self, name: str, at: Call, seen: tuple[ast.AST, ...]) -> Iterator[str]:
        for function in (each for each in at.module.body if isinstance(each, Function) and each.name == name):
            for node in (node for node in ast.walk(function) if isinstance(node, ast.Return)):
                yield from self._texts(node.value, at._replace(around=(function,)), seen)


def _validates(module: ast.Module) -> bool:
    """Only where pydantic asks does a ValueError end as a refusal."""
    return any(isinstance(node, ast.ImportFrom) and node.module == "pydantic" for node in module.body)


def _name(called: ast.expr) -> str:
    return str(getattr(called, "id", getattr(called, "attr", "")))


def _assigned(name: str, nodes: Iterable[ast.AST]) -> Iterator[ast.expr]:
    """The values that a name is given, alone or as one of several."""
    for node in (each for each in nodes if isinstance(each, ast.Assign)):
        for target in node.targets:
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = list(zip(target.elts, node.value.elts, strict=False))
            else:
                pairs = [(target, node.value)]
            yield from (value for one, value in pairs if isinstance(one, ast.Name) and one.id == name)


def _piece(part: ast.expr) -> str:
    """A piece of an f-string: its words, or `{}`; of a day that is written out, one for each of its parts."""
    if isinstance(part, ast.Constant):
        return str(part.value)
    form = getattr(part, "format_spec", None)
    spec = "".join(str(getattr(each, "value", "")) for each in form.values) if form is not None else ""
    return re.sub(r"%-?[A-Za-z]", "{}", spec) if "%" in spec else "{}"


if __name__ == "__main__":
    print(*sorted(said()), sep="\n")  # noqa: T201 - what it is for
