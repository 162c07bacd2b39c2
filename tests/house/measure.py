"""Measures a tree of Python by its syntax alone: rooms and arrows, lengths, names. Nothing of it is run."""

from __future__ import annotations

import ast
import tokenize
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

Function = ast.FunctionDef | ast.AsyncFunctionDef
#: What calls count as patching something of the code under test.
PATCHES = frozenset({"setattr", "setitem", "delattr", "patch", "MagicMock"})


class Module(NamedTuple):
    """One file: its dotted name, where it lies, its text, and its syntax."""

    name: str
    path: Path
    text: str
    tree: ast.Module

    @property
    def functions(self) -> Iterator[Function]:
        """Every function and method, inner ones too."""
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))

    @property
    def classes(self) -> Iterator[ast.ClassDef]:
        """Every class."""
        return (node for node in ast.walk(self.tree) if isinstance(node, ast.ClassDef))

    @property
    def lines(self) -> int:
        """How many lines the file has."""
        return len(self.text.splitlines())


class Place(NamedTuple):
    """A number, and where it was measured."""

    value: int
    where: str


class House:
    """A package, measured.

    Args:
        folder: The package's folder; its name is the package's.
        modules: Its modules, where they are at hand.
    """

    def __init__(self, folder: Path, modules: Iterable[Module] | None = None) -> None:
        """Read every file once."""
        self.name = folder.name
        self.modules = list(modules if modules is not None else read(folder))

    @cached_property
    def imports(self) -> dict[str, set[str]]:
        """Which module imports which, both of this package; an import below ``if TYPE_CHECKING`` counts too."""
        names = {module.name for module in self.modules}
        found: dict[str, set[str]] = {name: set() for name in names}
        for module in self.modules:
            for target in _imported(module, self.name):
                whole = target if target in names else target.rpartition(".")[0]
                if whole in names and whole != module.name:
                    found[module.name].add(whole)
        return found

    @cached_property
    def arrows(self) -> dict[str, set[str]]:
        """Which room imports from which; a room is what lies directly in the package: a folder or a file."""
        found: dict[str, set[str]] = {self.room(name): set() for name in self.imports if name != self.name}
        for name, targets in self.imports.items():
            for target in targets:
                rooms = self.room(name), self.room(target)
                if rooms[0] != rooms[1] and self.name not in (name, target):
                    found[rooms[0]].add(rooms[1])
        return found

    def room(self, name: str) -> str:
        """Return the room of a module."""
        return name.removeprefix(self.name + ".").partition(".")[0]

    @cached_property
    def circles(self) -> list[list[str]]:
        """Modules that import one another in a circle, and rooms that do."""
        return [*_circles(self.imports), *_circles(self.arrows)]

    @property
    def floors(self) -> int:
        """How many rooms stand on one another at the most; rooms that import one another in a circle are one floor."""
        reached = {room: _reached(room, self.arrows) for room in self.arrows}
        heights: dict[str, int] = {}

        def height(room: str) -> int:
            if room not in heights:
                below = (other for other in reached[room] if room not in reached[other])
                heights[room] = 1 + max(map(height, below), default=0)
            return heights[room]

        return max(map(height, self.arrows), default=0)

    @cached_property
    def function_lines(self) -> list[Place]:
        """The lines of each function without its docstring, the shortest first."""
        return sorted(
            Place(lines_of(node), f"{module.name}.{node.name}") for module in self.modules for node in module.functions
        )

    @property
    def complexity(self) -> Place:
        """The most complex function."""
        return max(
            (
                Place(complexity_of(node), f"{module.name}.{node.name}")
                for module in self.modules
                for node in module.functions
            ),
            default=Place(0, ""),
        )

    @property
    def longest_module(self) -> Place:
        """The longest file, in lines."""
        return max((Place(module.lines, module.name) for module in self.modules), default=Place(0, ""))

    @property
    def longest_class(self) -> Place:
        """The longest class, in lines, its docstrings included."""
        return max(
            (
                Place((node.end_lineno or node.lineno) - node.lineno + 1, f"{module.name}.{node.name}")
                for module in self.modules
                for node in module.classes
            ),
            default=Place(0, ""),
        )

    @property
    def widest_class(self) -> Place:
        """The class of most public methods, properties among them."""
        return max(
            (
                Place(sum(_public(one.name) for one in methods_of(node)), f"{module.name}.{node.name}")
                for module in self.modules
                for node in module.classes
            ),
            default=Place(0, ""),
        )

    @property
    def class_names_used_twice(self) -> list[str]:
        """Names that more than one class has, private ones too."""
        counted = Counter(node.name for module in self.modules for node in module.classes)
        return sorted(name for name, count in counted.items() if count > 1)

    @property
    def without_docstring(self) -> list[str]:
        """Public modules, classes, functions and methods that no docstring explains."""
        bare = [module.name for module in self.modules if not ast.get_docstring(module.tree)]
        return bare + [name for name, node in self._public if not ast.get_docstring(node)]

    @property
    def without_return_type(self) -> list[str]:
        """Public functions and methods that do not say what they return."""
        return [name for name, node in self._public if isinstance(node, Function) and node.returns is None]

    @property
    def _public(self) -> Iterator[tuple[str, Function | ast.ClassDef]]:
        for module in self.modules:
            yield from _public_of(module.name, module.tree)

    def comments_per_hundred(self, room: str) -> float:
        """Return how many comments a room has, for every 100 of its lines."""
        inside = [module for module in self.modules if self.room(module.name) == room]
        lines = sum(module.lines for module in inside)
        return 100 * sum(comments_of(module.path) for module in inside) / max(lines, 1)


def read(folder: Path, prefix: str = "") -> Iterator[Module]:
    """Yield every module below a folder, named from the folder's own name on."""
    for path in sorted(folder.rglob("*.py")):
        parts = path.relative_to(folder.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = path.read_text("utf-8")
        yield Module(prefix + name, path, text, ast.parse(text))


def lines_of(node: Function) -> int:
    """Return how many lines a function has, without its decorators and its docstring."""
    first = node.body[0]
    documented = ast.get_docstring(node, clean=False) is not None
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if documented else 0
    return (node.end_lineno or node.lineno) - node.lineno + 1 - docstring


def complexity_of(node: Function) -> int:
    """Return 1, and 1 more for each branch, loop, handler, ``and``, ``or``, comprehension and its conditions."""
    count = 1
    for part in ast.walk(node):
        if isinstance(
            part, ast.If | ast.IfExp | ast.For | ast.AsyncFor | ast.While | ast.ExceptHandler | ast.match_case
        ):
            count += 1
        elif isinstance(part, ast.BoolOp):
            count += len(part.values) - 1
        elif isinstance(part, ast.comprehension):
            count += 1 + len(part.ifs)
    return count


def comments_of(path: Path) -> int:
    """Return how many comments a file has, directives to tools left out."""
    with tokenize.open(path) as file:
        found = [token.string for token in tokenize.generate_tokens(file.readline) if token.type == tokenize.COMMENT]
    return sum(not comment.lstrip("# ").startswith(("type:", "noqa", "fmt:", "pragma")) for comment in found)


def methods_of(node: ast.ClassDef) -> list[Function]:
    """Return the methods that stand in a class."""
    return [one for one in node.body if isinstance(one, Function)]


def patches_per_hundred_tests(folder: Path) -> tuple[float, int, int]:
    """Return how many places patch something for every 100 test functions; then both numbers."""
    sites = tests = 0
    for module in read(folder):
        tests += sum(node.name.startswith("test_") for node in module.functions)
        calls = (node.func for node in ast.walk(module.tree) if isinstance(node, ast.Call))
        sites += sum(_patches(call) for call in calls)
    return 100 * sites / max(tests, 1), sites, tests


def _patches(call: ast.expr) -> bool:
    if isinstance(call, ast.Name):
        return call.id in {"patch", "MagicMock"}
    if not (isinstance(call, ast.Attribute) and call.attr in PATCHES):
        return False
    return isinstance(call.value, ast.Name) and call.value.id in {"monkeypatch", "mock", "patch"}


def _imported(module: Module, package: str) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == package:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _public(name: str) -> bool:
    return not name.startswith("_")


def _public_of(where: str, node: ast.Module | ast.ClassDef) -> Iterator[tuple[str, Function | ast.ClassDef]]:
    for one in node.body:
        if isinstance(one, Function | ast.ClassDef) and _public(one.name):
            yield f"{where}.{one.name}", one
            if isinstance(one, ast.ClassDef):
                yield from _public_of(f"{where}.{one.name}", one)


def _circles(arrows: dict[str, set[str]]) -> list[list[str]]:
    """Return the groups of more than one that reach one another (Tarjan's components, by reachability)."""
    reached = {name: _reached(name, arrows) for name in arrows}
    groups: dict[frozenset[str], None] = defaultdict(lambda: None)
    for name in arrows:
        group = frozenset(other for other in reached[name] if name in reached.get(other, set()))
        if len(group) > 1:
            groups[group] = None
    return [sorted(group) for group in groups]


def _reached(name: str, arrows: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for other in arrows.get(waiting.pop(), set()):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found
