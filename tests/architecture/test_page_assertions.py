"""No test of the pages asserts what it read once: a page may show it a moment later (tests/pages/expectation.py)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from textwrap import dedent

import pytest

from .source import ROOT

FOLDER = ROOT / "tests/pages"
READS = {
    "all_inner_texts", "all_text_contents", "bounding_box", "content", "count", "element_handles", "eval_on_selector",
    "eval_on_selector_all", "evaluate", "evaluate_all", "get_attribute", "inner_html", "inner_text", "input_value",
    "is_checked", "is_disabled", "is_editable", "is_enabled", "is_hidden", "is_visible", "query_selector",
    "query_selector_all", "text_content", "title",
}  # fmt: skip
"""Methods of a page or a locator that return what is there now."""
WITHOUT_ARGUMENTS = {"content", "count", "title"}
"""Those that other types have too, with arguments."""
WAITS = {"await_value", "expect", "expect_text"}
PAGES = {"new_page", "open"}
"""Methods that return a page."""
Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of_call(node: ast.AST) -> str:
    """Return the name of the function or method that an expression calls."""
    if not isinstance(node, ast.Call):
        return ""
    return getattr(node.func, "attr", "") or getattr(node.func, "id", "")


def walk_at_once(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that are evaluated with an expression, but for the arguments of assertions that wait."""
    yield node
    if not isinstance(node, ast.Lambda) and name_of_call(node) not in WAITS:
        for child in ast.iter_child_nodes(node):
            yield from walk_at_once(child)


def list_bindings(function: Function) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names that a function binds, with the expression that each is bound to."""
    for node in walk_at_once(function):
        targets = [node.target] if hasattr(node, "target") else getattr(node, "targets", [])
        value = getattr(node, "value", None) or getattr(node, "iter", None)
        for target in targets if value else []:
            pairs = [(target, value)]
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                pairs = list(zip(target.elts, value.elts, strict=False))
            for bound, expression in pairs:
                yield from ((each.id, expression) for each in ast.walk(bound) if isinstance(each, ast.Name))


def is_page(node: ast.AST, pages: set[str]) -> bool:
    """Return whether an expression is a page of the browser."""
    return getattr(node, "attr", "") == "page" or getattr(node, "id", "") in pages or name_of_call(node) in PAGES


def reads(expression: ast.AST, helpers: set[str], names: set[str], pages: set[str]) -> bool:
    """Return whether an expression has what was read from a page once, by a method, a helper, or a name bound to it."""
    for node in walk_at_once(expression):
        if isinstance(node, ast.Name) and node.id in names:
            return True
        if isinstance(node, ast.Attribute) and node.attr == "url" and is_page(node.value, pages):
            return True
        if isinstance(node, ast.Call):
            name, has_arguments = name_of_call(node), bool(node.args or node.keywords)
            is_method = isinstance(node.func, ast.Attribute) and name in READS
            if name in helpers or (is_method and not (has_arguments and name in WITHOUT_ARGUMENTS)):
                return True
    return False


def find_names(function: Function, helpers: set[str]) -> tuple[set[str], set[str]]:
    """Return the names that are bound in a function to what was read once, and those of pages."""
    bindings = [*list_bindings(function)]
    pages = {name for name, value in bindings if is_page(value, set())}
    names: set[str] = set()
    while more := {name for name, value in bindings if reads(value, helpers, names, pages)} - names:
        names |= more
    return names, pages


def find_helpers(functions: list[Function]) -> set[str]:
    """Return the names of the functions that return what they read once, also by way of each other."""
    helpers: set[str] = set()
    while True:
        more = {
            function.name
            for function in functions
            for node in ast.walk(function)
            if isinstance(node, ast.Return) and node.value
            if reads(node.value, helpers, *find_names(function, helpers))
        }
        if more <= helpers:
            return helpers
        helpers |= more


def find_faults(*sources: tuple[str, str]) -> list[str]:
    """Return the file, the line and the code of each assertion about what was read once, of files with their code."""
    files = {
        name: [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
        for name, source in sources
    }
    helpers = find_helpers([function for functions in files.values() for function in functions])
    faults: list[str] = []
    for name, functions in files.items():
        own = {function.name for function in functions} - find_helpers(functions)  # not those of other files
        for function in functions:
            names = find_names(function, helpers - own)
            asserted = [node for node in ast.walk(function) if isinstance(node, ast.Assert)]
            faulty = [node for node in asserted if reads(node.test, helpers - own, *names)]
            faults += [f"{name}:{node.lineno}: {ast.unparse(node)}" for node in faulty]
    return [*dict.fromkeys(faults)]  # those of functions in functions come twice


def test_what_a_page_shows_is_awaited() -> None:
    sources = [(path.name, path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.py"))]
    assert len(sources) > 30
    assert find_faults(*sources) == []


HELPERS = """
def count_rows(tab):
    count: int = tab.page.locator("tr").count()
    return count

def count_twice(tab):
    return 2 * count_rows(tab)
"""


@pytest.mark.parametrize(
    "code",
    [
        'assert page.inner_text("h1") == "Day"',
        'assert "Day" in tab.page.locator("h1").text_content()',
        'assert page.locator("li").count() == 2 and True',
        "assert [page.is_checked(each) for each in ids] == [True]",
        'assert len(page.query_selector_all("li")) == 2',
        'text = page.inner_text("h1")\nassert "Day" in text',
        'for row in page.query_selector_all("tr"):\n    assert row',
        'page, before = tab.page, tab.page.evaluate("1")\nassert before == 1',
        'lines = page.locator("li").all_inner_texts()\nfirst = lines[0]\nassert first == "Ann"',
        'lines: list[str] = []\nlines += page.locator("li").all_inner_texts()\nassert lines == []',
        "assert tab.page.url == address",
        'page = tab.open("/people")\nassert page.url.endswith("/people")',
        "assert count_rows(tab) == 2",
        "count = count_twice(tab)\nassert count == 2",
    ],
)
def test_what_was_read_once_is_found(code: str) -> None:
    function = "def test(page, tab, ids, address):\n" + "".join(f"    {line}\n" for line in code.splitlines())
    (fault,) = find_faults(("helpers.py", HELPERS), ("test.py", function))
    assert fault.endswith(f": {ast.unparse(ast.parse(code.splitlines()[-1].strip()))}")


def test_what_waits_or_is_no_page_is_allowed() -> None:
    code = """
    def test(page, tab, server):
        expect(page.locator("h1")).to_have_text("Day")
        assert await_value(page, lambda: page.inner_text("h1"), "Day")
        height = page.evaluate("innerHeight")
        await_value(page, lambda: page.evaluate("innerHeight"), lambda now: now > height)
        (rows,) = await_value(page, lambda: [row for row in [count_rows(tab)]], [2])
        assert rows == 2
        assert [row for row in server.rows if row] == []
        page.on("request", lambda request: page.evaluate("1"))
        page = server.get("/people")
        assert page.url == "/people"
        assert ["Ann"].count("Ann") == 1
        texts = [page.text]
        assert texts == []
    """
    assert find_faults(("helpers.py", HELPERS), ("test.py", dedent(code))) == []
