"""The reason codes that the code can emit, read from its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.docs.blocks import ROOT

PACKAGE = ROOT / "src" / "rampgate"
_MAKERS = {"Reason", "Health"}


def emitted() -> set[str]:
    """Every code that a reason or a check of the data can carry.

    Raises
    ------
    LookupError
        For a code whose text cannot be read from the source; handing on another's ``.code`` is fine.
    """
    return {code for path in PACKAGE.rglob("*.py") for code in _codes(ast.parse(path.read_text("utf-8")), path.name)}


def _codes(tree: ast.Module, name: str) -> Iterator[str]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _MAKERS:
                    yield from _texts(_code_of(node), function, tree, f"{name}:{node.lineno}")
                # The command line makes the reason of an error itself.
                elif isinstance(node, ast.Dict):
                    keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
                    if keys[:2] == ["code", "verdict"]:
                        yield from _texts(node.values[0], function, tree, f"{name}:{node.lineno}")


def _code_of(call: ast.Call) -> ast.expr | None:
    named = [keyword.value for keyword in call.keywords if keyword.arg == "code"]
    return call.args[0] if call.args else named[0] if named else None


def _texts(value: ast.expr | None, function: ast.FunctionDef, module: ast.Module, where: str) -> Iterator[str]:
    """The texts that an expression can be."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from _texts(value.body, function, module, where)
        yield from _texts(value.orelse, function, module, where)
    elif isinstance(value, ast.Name):
        # In the function, else among the constants of the module.
        assigned = _assigned(value.id, ast.walk(function)) or _assigned(value.id, iter(module.body))
        if not assigned:
            raise LookupError(f"{where}: where {value.id} comes from is not seen")
        for one in assigned:
            yield from _texts(one, function, module, where)
    elif not _handed_on(value):
        raise LookupError(f"{where}: this code cannot be read from the source")


def _assigned(name: str, nodes: Iterator[ast.AST]) -> list[ast.expr]:
    """What a name is given in some statements."""
    return [
        node.value
        for node in nodes
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets)
    ]


def _handed_on(value: ast.expr | None) -> bool:
    """Another reason's code, or one read back from a record."""
    if value is None:
        return True
    if isinstance(value, ast.Attribute):
        return value.attr == "code"
    return isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Constant) and value.slice.value == "code"
