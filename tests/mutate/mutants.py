"""Mutants of a module: its text with one small fault, of the kinds that break promises and that a test should see.

A mutant is a piece of text in place of another, so that it can be shown as a difference and needs no formatting.
"""

from __future__ import annotations

import ast
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

#: What stands in place of an operator.
_COMPARED: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: (r"<", "<="),
    ast.LtE: (r"<=", "<"),
    ast.Gt: (r">", ">="),
    ast.GtE: (r">=", ">"),
    ast.Eq: (r"==", "!="),
    ast.NotEq: (r"!=", "=="),
    ast.Is: (r"\bis\b", "is not"),
    ast.IsNot: (r"\bis\s+not\b", "is"),
    ast.In: (r"\bin\b", "not in"),
    ast.NotIn: (r"\bnot\s+in\b", "in"),
}
_COUNTED: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: (r"\+", "-"),
    ast.Sub: (r"-", "+"),
    ast.Mult: (r"\*", "//"),
    ast.Div: (r"/", "*"),
    ast.FloorDiv: (r"//", "*"),
    ast.Mod: (r"%", "*"),
    ast.BitAnd: (r"&", "|"),
    ast.BitOr: (r"\|", "&"),
}
_SWAPPED = {"min": "max", "max": "min", "any": "all", "all": "any"}
#: Calls whose arguments have no order.
_SYMMETRIC = frozenset({"min", "max"})
#: Arguments that change nothing while the code is right (`zip(strict=True)`), and ``**``, which has no name.
_GUARDS = frozenset({"strict", None})
#: Calls whose argument alone has another type: that they are there is seen by whatever runs the line.
_TRIVIAL = frozenset({"len", "isinstance", "issubclass", "super", "type", "iter", "next", "range", "open", "print"})
#: Methods that give back what they are called on, changed.
_CHANGING = frozenset(
    {"strip", "lstrip", "rstrip", "lower", "upper", "casefold", "title", "copy", "splitlines"}
    | {"removeprefix", "removesuffix", "replace"}
)
#: Texts that a program reads: keys, codes, names, separators. What people read has spaces.
_READ_BY_PROGRAMS = re.compile(r"[!-~]{0,60}")


class Mutant(NamedTuple):
    """One fault: in which function, on which lines of the module, and the text of the module with it.

    ``first`` and ``last`` are the lines whose running shows that a test meets it; ``was`` and ``becomes`` are the lines
    that differ, without their indent.
    """

    module: str
    function: str
    line: int
    first: int
    last: int
    was: str
    becomes: str
    text: str

    @property
    def room(self) -> str:
        """The room that its module is of."""
        return self.module.partition("/")[0]

    @property
    def number(self) -> int:
        """A number that depends on what it is known by (``equivalent.toml``), and on nothing else."""
        return zlib.crc32("\0".join((self.module, self.function, self.was, self.becomes)).encode())


def read(module: str, path: Path) -> list[Mutant]:
    """Return all mutants of a file in the order of its lines; ``module`` is what they are called by."""
    source = path.read_bytes()
    finder = _Finder(module, source)
    finder.visit(ast.parse(source))
    once = {mutant.text: mutant for mutant in finder.mutants if mutant.text != source.decode()}
    return sorted(once.values(), key=lambda mutant: mutant.line)


def _compiles(text: str) -> bool:
    try:
        compile(text, "mutant", "exec")
    except SyntaxError:
        return False
    return True


class _Finder(ast.NodeVisitor):
    """Walks a module and writes down its mutants."""

    def __init__(self, module: str, source: bytes) -> None:
        self.module = module
        self.source = source
        self.mutants: list[Mutant] = []
        self._starts = [0, *(match.end() for match in re.finditer(rb"\n", source))]
        self._names: list[str] = []
        self._lines = (1, 1)

    # Where a node lies, and what is written there.

    def _offset(self, line: int, column: int) -> int:
        return self._starts[line - 1] + column

    def _span(self, node: ast.AST) -> tuple[int, int]:
        at = node.lineno, node.col_offset, node.end_lineno, node.end_col_offset  # type: ignore[attr-defined]
        return self._offset(at[0], at[1]), self._offset(at[2], at[3])

    def _text(self, node: ast.AST) -> str:
        first, last = self._span(node)
        return self.source[first:last].decode()

    def _put(self, span: tuple[int, int], text: str) -> None:
        """Write down the mutant that has this text there."""
        first, last = span
        # The lines below stay where they are, so that only what is meant differs.
        shorter = self.source.count(b"\n", first, last) - text.count("\n")
        before, after = self.source[:first].decode(), self.source[last:].decode()
        wholes = [before + text + "\n" * shorter + after, before + text + after]
        whole = next(filter(_compiles, wholes), "")
        if not whole:
            return
        line = self.source.count(b"\n", 0, first)
        end = self.source.count(b"\n", 0, last)
        was = self.source.decode().splitlines()[line : end + 1]
        becomes = wholes[1].splitlines()[line : end + 1 - shorter]
        self.mutants.append(
            Mutant(
                self.module,
                ".".join(self._names) or "(module)",
                line + 1,
                *self._lines,
                " ".join(part.strip() for part in was),
                " ".join(part.strip() for part in becomes),
                whole,
            )
        )

    def _instead(self, node: ast.AST, text: str) -> None:
        self._put(self._span(node), text)

    def _between(self, left: ast.AST, right: ast.AST, pattern: str, text: str) -> None:
        """Replace the operator between two operands, which may stand in brackets."""
        first, last = self._span(left)[1], self._span(right)[0]
        operator = re.search(pattern, self.source[first:last].decode())
        assert operator, f"no {pattern} between operands of {self.module}"
        self._put((first + operator.start(), first + operator.end()), text)

    # Statements.

    def visit(self, node: ast.AST) -> None:
        """Remember on which lines the innermost statement's own text lies, then go on."""
        if not isinstance(node, ast.stmt):
            super().visit(node)
            return
        before, body = self._lines, getattr(node, "body", None)
        last = max(node.lineno, body[0].lineno - 1) if body else node.end_lineno or node.lineno
        self._lines = (node.lineno, last)
        super().visit(node)
        self._lines = before

    def _function(self, node: ast.FunctionDef) -> None:
        self._names.append(node.name)
        before, self._lines = self._lines, (node.body[0].lineno, node.end_lineno or node.lineno)
        for default in [*node.args.defaults, *(one for one in node.args.kw_defaults if one)]:
            self.visit(default)
        self._lines = before
        self._statements(node.body)
        self._names.pop()

    visit_FunctionDef = _function

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._names.append(node.name)
        self._statements(node.body)
        self._names.pop()

    def visit_Module(self, node: ast.Module) -> None:
        self._statements(node.body)

    def _statements(self, body: list[ast.stmt]) -> None:
        for statement in body:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                continue  # a docstring, or the three dots of a protocol
            self.visit(statement)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call):
            self._instead(node, "pass")
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if all(isinstance(target, ast.Attribute | ast.Subscript) for target in node.targets) and self._names[-1:] != [
            "__init__"
        ]:
            self._instead(node, "pass")
        if not any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets):
            self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value:
            self.visit(node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        pattern, text = _COUNTED.get(type(node.op), ("", ""))
        if pattern:
            self._between(node.target, node.value, pattern, text)
        self._instead(node, "pass")
        self.generic_visit(node)

    def visit_Delete(self, node: ast.Delete) -> None:
        self._instead(node, "pass")

    def visit_Raise(self, node: ast.Raise) -> None:
        self._instead(node, "pass")
        self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is None:
            self._instead(node, "pass")
        elif not isinstance(node.value, ast.Constant):
            self._instead(node.value, "None")
            if isinstance(node.value, ast.Compare | ast.BoolOp):
                self._instead(node.value, "True")
        self.generic_visit(node)

    def visit_Break(self, node: ast.Break) -> None:
        self._instead(node, "pass")

    def visit_Continue(self, node: ast.Continue) -> None:
        self._instead(node, "pass")
        self._instead(node, "break")

    def _condition(self, test: ast.expr, *texts: str) -> None:
        if not isinstance(test, ast.Constant) and self._text(test) != "TYPE_CHECKING":
            for text in texts:
                self._instead(test, text)

    def visit_If(self, node: ast.If) -> None:
        self._condition(node.test, "True", "False")
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._condition(node.test, "True", "False")
        self.generic_visit(node)

    def visit_While(self, node: ast.While) -> None:
        self._condition(node.test, "False")
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self._condition(test, "True")
        self.generic_visit(node)

    # Expressions.

    def visit_Compare(self, node: ast.Compare) -> None:
        operands = [node.left, *node.comparators]
        for operator, left, right in zip(node.ops, operands, operands[1:], strict=False):
            self._between(left, right, *_COMPARED[type(operator)])
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        word, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:], strict=False):
            self._between(left, right, rf"\b{word}\b", other)
        for operand in node.values:
            self._instead(operand, "True" if word == "and" else "False")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        of_texts = any(
            isinstance(part, ast.JoinedStr) or (isinstance(part, ast.Constant) and isinstance(part.value, str))
            for part in (node.left, node.right)
        )
        pattern, text = _COUNTED.get(type(node.op), ("", ""))
        if pattern and not of_texts:
            self._between(node.left, node.right, pattern, text)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not | ast.USub):
            self._instead(node, f"({self._text(node.operand)})")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Name):
            if other := _SWAPPED.get(node.func.id):
                self._instead(node.func, other)
            if len(node.args) == 1 and not node.keywords and node.func.id not in _TRIVIAL | set(_SWAPPED):
                lower = node.func.id.lstrip("_")[:1].islower()
                self._unwrapped(node, node.args[0]) if lower else None
        elif isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGING:
            self._instead(node, f"{self._text(node.func.value)}")
        symmetric = isinstance(node.func, ast.Name) and node.func.id in _SYMMETRIC
        for left, right in zip(node.args, node.args[1:], strict=False) if not symmetric else ():
            if not isinstance(left, ast.Starred) and not isinstance(right, ast.Starred):
                first, last = self._span(left), self._span(right)
                between = self.source[first[1] : last[0]].decode()
                self._put((first[0], last[1]), f"{self._text(right)}{between}{self._text(left)}")
        self._keywords(node)
        for part in (node.func, *node.args, *(one.value for one in node.keywords if one.arg != "strict")):
            self.visit(part)

    def _unwrapped(self, node: ast.Call, argument: ast.expr) -> None:
        if not isinstance(argument, ast.GeneratorExp | ast.Starred):
            self._instead(node, f"({self._text(argument)})")

    def _keywords(self, node: ast.Call) -> None:
        for keyword in node.keywords:
            if keyword.arg in _GUARDS:
                continue
            first, last = self._span(keyword)
            comma = re.match(rb"\s*,\s*", self.source[last:])
            before = re.search(rb",\s*$", self.source[:first])
            if comma:
                self._put((first, last + comma.end()), "")
            else:
                self._put((first - len(before[0]) if before else first, last), "")

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._instead(node.body, "None")
        self.generic_visit(node)

    def visit_Slice(self, node: ast.Slice) -> None:
        for part in (node.lower, node.upper):
            if part is not None:
                self._instead(part, "")
        self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Leave it: before Python 3.12 nothing within it knows where it stands."""

    def visit_Constant(self, node: ast.Constant) -> None:
        for text in _other_constants(node.value, self._text(node)):
            self._instead(node, text)


def _other_constants(value: object, text: str) -> Iterator[str]:
    if isinstance(value, bool):
        yield str(not value)
    elif isinstance(value, int | float):
        yield repr(value + 1)
    elif isinstance(value, str) and _READ_BY_PROGRAMS.fullmatch(value) and text.count('"') + text.count("'") == 2:
        yield repr("XX" + value)
    elif isinstance(value, bytes) and text.count('"') == 2:
        yield repr(b"XX" + value)
