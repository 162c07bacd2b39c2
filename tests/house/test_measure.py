"""The measure of the house is right: small trees of which each figure is known."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from tests.house.__main__ import Bar, bars, main
from tests.house.measure import (
    House,
    Place,
    comments_of,
    complexity_of,
    lines_of,
    patches_per_hundred_tests,
)

Tree = Callable[[dict[str, str]], Path]
Made = Callable[[dict[str, str]], House]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Write files below a folder, each with its text; return the folder."""

    def write(files: dict[str, str]) -> Path:
        for name, text in files.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(dedent(text).lstrip("\n"), "utf-8")
        return tmp_path

    return write


@pytest.fixture
def house(tree: Tree) -> Made:
    """Measure a package named ``shop`` of these files."""

    def make(files: dict[str, str]) -> House:
        return House(tree({f"shop/{name}": text for name, text in files.items()}) / "shop")

    return make


def function(text: str) -> ast.FunctionDef:
    node = ast.parse(dedent(text)).body[0]
    assert isinstance(node, ast.FunctionDef)
    return node


class TestRooms:
    SHOP = {
        "__init__.py": '"""A shop."""',
        "till.py": "from shop.shelf import goods\nfrom shop.shelf.goods import apple\nimport json",
        "shelf/__init__.py": "",
        "shelf/goods.py": "from shop.shelf import labels\nfrom shop import names\napple = 1",
        "shelf/labels.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from shop.names import first",
        "names.py": "first = 1",
        "door.py": "import shop.names",
    }

    def test_a_room_is_a_folder_or_a_file_and_imports_within_it_are_no_arrow(self, house):
        assert house(self.SHOP).arrows == {
            "till": {"shelf"},
            "shelf": {"names"},
            "names": set(),
            "door": {"names"},
        }

    def test_an_import_of_a_module_or_of_a_name_in_it_is_the_same(self, house):
        imports = house(self.SHOP).imports
        assert imports["shop.till"] == {"shop.shelf.goods"}
        assert imports["shop.shelf.goods"] == {"shop.shelf.labels", "shop.names"}
        assert imports["shop.shelf.labels"] == {"shop.names"}, "below TYPE_CHECKING too"

    def test_floors_are_counted_from_the_lowest_to_the_highest_room(self, house):
        assert house(self.SHOP).floors == 3

    def test_one_room_is_one_floor(self, house):
        assert house({"__init__.py": "", "alone.py": ""}).floors == 1

    def test_no_rooms_have_no_floor(self, house):
        assert house({"__init__.py": ""}).floors == 0


class TestCircles:
    def test_there_are_none(self, house):
        assert house(TestRooms.SHOP).circles == []

    def test_of_rooms_and_of_their_modules(self, house):
        shop = house(
            {"a.py": "import shop.b", "b.py": "import shop.c", "c.py": "import shop.a", "d.py": "import shop.a"}
        )
        assert shop.circles == [["shop.a", "shop.b", "shop.c"], ["a", "b", "c"]]
        assert shop.floors == 2, "a circle is one floor"

    def test_of_rooms_whose_modules_are_in_none(self, house):
        shop = house({"a/x.py": "import shop.b.x", "b/x.py": "", "b/y.py": "import shop.a.y", "a/y.py": ""})
        assert shop.circles == [["a", "b"]]

    def test_of_modules_in_one_room(self, house):
        shop = house({"a/x.py": "import shop.a.y", "a/y.py": "import shop.a.x"})
        assert shop.circles == [["shop.a.x", "shop.a.y"]]


class TestLines:
    def test_decorators_and_docstring_do_not_count(self):
        node = function('''
            @cached
            @other
            def f(
                a,
            ):
                """Say what it does.

                At length.
                """
                # Why.
                return a
        ''')
        assert lines_of(node) == 5

    def test_without_docstring_all_count(self):
        assert lines_of(function("def f():\n    x = 1\n\n    return x")) == 4
        assert lines_of(function("def f(): return 1")) == 1

    def test_functions_from_the_shortest_to_the_longest_inner_ones_too(self, house):
        shop = house(
            {"a.py": "def outer():\n    def inner():\n        pass\n    return inner\n\nasync def short(): ..."}
        )
        assert shop.function_lines == [
            Place(1, "shop.a.short"),
            Place(2, "shop.a.inner"),
            Place(4, "shop.a.outer"),
        ]

    def test_the_longest_module_and_class(self, house):
        shop = house({"a.py": "x = 1\ny = 2", "b.py": 'class B:\n    """One."""\n\n    x = 1\n\n\nclass C: ...'})
        assert shop.longest_module == Place(7, "shop.b")
        assert shop.longest_class == Place(4, "shop.b.B")

    def test_nothing_has_no_lines(self, house):
        shop = house({})
        assert shop.longest_module == shop.longest_class == shop.widest_class == shop.complexity == Place(0, "")


class TestComplexity:
    @pytest.mark.parametrize(
        ("body", "count"),
        [
            ("pass", 1),
            ("if a: pass", 2),
            ("if a: pass\n    elif b: pass\n    else: pass", 3),
            ("return 1 if a else 2", 2),
            ("return a and b and c or d", 4),
            ("for x in a: pass\n    else: pass", 2),
            ("while a: pass", 2),
            ("try: pass\n    except A: pass\n    except B: pass\n    finally: pass", 3),
            ("return [x for x in a]", 2),
            ("return {x: y for x in a if x for y in b if y if x}", 6),
            ("match a:\n        case 1: pass\n        case _: pass", 3),
            ("with a: pass", 1),
            ("def inner():\n        if a: pass\n    return inner", 2),
        ],
    )
    def test_of_one_function(self, body, count):
        assert complexity_of(function(f"def f(a, b):\n    {body}")) == count

    def test_the_most_complex_one_is_named(self, house):
        shop = house({"a.py": "def plain(): ...", "b.py": "class B:\n    def hard(self, a):\n        return a or 1"})
        assert shop.complexity == Place(2, "shop.b.hard")


class TestNames:
    def test_class_names_used_twice_private_and_inner_ones_too(self, house):
        shop = house({
            "a.py": "class A: ...\nclass _B: ...\nclass D: ...",
            "b.py": "class A:\n    class C: ...\ndef f():\n    class _B: ...",
        })  # fmt: skip
        assert shop.class_names_used_twice == ["A", "_B"]

    def test_public_methods_and_properties_are_counted(self, house):
        shop = house({
            "a.py": """
                class Wide:
                    def __init__(self): ...
                    def one(self): ...
                    @property
                    def two(self): ...
                    async def three(self): ...
                    def _four(self): ...
                    class Inner:
                        def five(self): ...
            """
        })  # fmt: skip
        assert shop.widest_class == Place(3, "shop.a.Wide")


class TestPublicNames:
    SHOP = {
        "__init__.py": '"""A shop."""',
        "a.py": """
            def f(): ...
            def _g(): ...
            class A:
                def __init__(self): ...
                def m(self) -> int:
                    '''Return one.'''
                class B:
                    '''Be inside.'''
                    def n(self):
                        '''Do.'''
                        def inner(): ...
            class _C:
                def o(self): ...
        """,
    }

    def test_docstrings(self, house):
        assert house(self.SHOP).without_docstring == ["shop.a", "shop.a.f", "shop.a.A"]

    def test_return_types(self, house):
        assert house(self.SHOP).without_return_type == ["shop.a.f", "shop.a.A.B.n"]


class TestComments:
    TEXT = """
        #: A limit (page 7).
        x = 1  # a fact
        y = "# no comment"
        z = f(x)  # type: ignore[arg-type]
        from a import b  # noqa: F401
        w = 3  # fmt: skip
        # pragma: no cover
        v = 4
    """

    def test_directives_to_tools_are_none(self, tree):
        assert comments_of(tree({"a.py": self.TEXT}) / "a.py") == 2

    def test_they_are_counted_by_the_lines_of_a_room(self, house):
        shop = house({"till/a.py": self.TEXT, "till/b.py": "x = 1\ny = 2\n", "door.py": "# one\n"})
        assert shop.comments_per_hundred("till") == 20
        assert shop.comments_per_hundred("door") == 100
        assert shop.comments_per_hundred("cellar") == 0


class TestPatches:
    def test_what_patches_is_counted_for_100_tests(self, tree):
        folder = tree({
            "tests/test_a.py": """
                def test_one(monkeypatch):
                    monkeypatch.setattr(a, "b", 1)
                    monkeypatch.setenv("A", "1")
                    setattr(a, "b", 1)
                def test_two():
                    with mock.patch("a"), patch("b"), patch.object(a, "b"):
                        MagicMock()
                class TestThree:
                    def test_three(self, monkeypatch):
                        monkeypatch.delattr(a, "b")
                        other.setattr(a, "b")
                def helper(): ...
            """,
            "tests/support/b.py": "def f(monkeypatch):\n    monkeypatch.setitem(a, 1, 2)\n",
        })  # fmt: skip
        rate, sites, tests = patches_per_hundred_tests(folder / "tests")
        assert (sites, tests) == (6, 3)
        assert rate == 200

    def test_no_tests_are_no_division_by_none(self, tree):
        assert patches_per_hundred_tests(tree({"tests/a.py": "x = 1"}) / "tests") == (0, 0, 0)


GOOD = {
    "shared/legible/__init__.py": '"""A small house."""\n',
    "shared/legible/errors.py": '"""Errors."""\n\n\nclass OneError(Exception):\n    """One."""\n',
    "shared/legible/huawei/__init__.py": '"""The vendor."""  # his own words (page 1)\n',
    "shared/legible/huawei/obs.py": '"""OBS."""\n\n# A fact.\n\n\ndef f() -> int:\n    """Do."""\n    return 1\n',
    "tests/test_it.py": "def test_it(): ...\n",
}


class TestBars:
    def test_a_bar_holds_at_its_figure(self):
        assert Bar("a", 5, 5).holds and not Bar("a", 6, 5).holds
        assert Bar("a", 5, 5, at_least=True).holds and not Bar("a", 4, 5, at_least=True).holds

    def test_a_good_house_passes(self, tree, capsys):
        assert main(tree(GOOD)) == 0
        printed = capsys.readouterr().out
        assert "FALLS SHORT" not in printed
        assert "  legible    2 / 2 / 2\n" in printed

    @pytest.mark.parametrize(
        ("what", "files", "where"),
        [
            ("rooms of legible", {f"shared/legible/r{n}.py": '"""A room."""' for n in range(21)}, ""),
            (
                "floors",
                {f"shared/legible/r{n}.py": f'"""A room."""\nimport legible.r{n + 1}' for n in range(11)}
                | {"shared/legible/r11.py": '"""A room."""'},
                "",
            ),
            (
                "arrows between rooms",
                {
                    f"shared/legible/r{floor}{n}.py": '"""A room."""\n'
                    + "".join(
                        f"import legible.r{below}{m}\n" for below in range(floor) for m in range(4 if below < 3 else 3)
                    )
                    for floor in range(5)
                    for n in range(4 if floor < 3 else 3)
                },
                "",
            ),
            (
                "circles",
                {
                    "shared/legible/a.py": '"""A."""\nimport legible.b',
                    "shared/legible/b.py": '"""B."""\nimport legible.a',
                },
                "legible.a legible.b; a b",
            ),
            (
                "lines of the longest function",
                {
                    "shared/legible/a.py": '"""A."""\n\ndef _f():\n'
                    + "    x = 1\n" * 50
                    + "".join(f"def _g{n}(): ...\n" for n in range(20))
                },
                "legible.a._f",
            ),
            (
                "lines of a function, median",
                {
                    "shared/legible/a.py": '"""A."""\n'
                    + "".join(f"def _f{n}():\n" + "    x = 1\n" * 6 for n in range(3))
                },
                "",
            ),
            (
                "lines of a function, 90th percentile",
                {
                    "shared/legible/a.py": '"""A."""\n'
                    + "".join(f"def _f{n}():\n" + "    x = 1\n" * (15 if n > 7 else 1) for n in range(10))
                },
                "",
            ),
            ("lines of the longest module", {"shared/legible/a.py": '"""A."""\n' + "x = 1\n" * 320}, "legible.a"),
            (
                "lines of the longest class",
                {"shared/legible/a.py": '"""A."""\n\n\nclass _A:\n' + "    x = 1\n" * 250},
                "legible.a._A",
            ),
            (
                "public methods of a class",
                {
                    "shared/legible/a.py": '"""A."""\n\n\nclass _A:\n'
                    + "".join(f"    def m{n}(self): ...\n" for n in range(13))
                },
                "legible.a._A",
            ),
            (
                "complexity of a function",
                {"shared/legible/a.py": '"""A."""\n\n\ndef _f(a):\n    return ' + " or ".join("a" * 15)},
                "legible.a._f",
            ),
            (
                "class names used twice",
                {"shared/legible/a.py": '"""A."""\n\n\nclass OneError(Exception):\n    """One."""\n'},
                "OneError",
            ),
            ("public names without docstring", {"shared/legible/a.py": ""}, "legible.a"),
            (
                "public functions without return type",
                {"shared/legible/a.py": '"""A."""\n\n\ndef f():\n    """Do."""\n'},
                "",
            ),
            ("comments per 100 lines of huawei", {"shared/legible/huawei/a.py": '"""A."""\n' + "x = 1\n" * 50}, ""),
            (
                "patch sites per 100 tests",
                {"tests/test_b.py": "def test_b(monkeypatch):\n    monkeypatch.setattr(a, 'b', 1)\n"},
                "1 sites, 2 test functions",
            ),
        ],
    )
    def test_what_falls_short_is_said_with_its_place(self, tree, capsys, what, files, where):
        assert main(tree(GOOD | files)) == 1
        short = [line for line in capsys.readouterr().out.splitlines() if "FALLS SHORT" in line]
        assert [line[:38].rstrip() for line in short] == [what]
        assert short[0].endswith(f"FALLS SHORT  {where}".rstrip())

    def test_every_bar_is_printed(self, tree, capsys):
        root = tree(GOOD)
        main(root)
        printed = capsys.readouterr().out
        assert all(bar.what in printed for bar in bars(root))
