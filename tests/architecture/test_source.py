"""Size and manners of the source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from visavis.defaults import DETECTOR, EMBEDDER

from .source import READS_SOURCE, Module, faults, modules

pytestmark = READS_SOURCE

FILE_LINES, FUNCTION_LINES = 400, 60
GALLERY, GALLERY_LINES, METHOD_STATEMENTS = "visavis.gallery.gallery", 600, 3
"""All methods of a gallery are in one file: signatures and docstrings, with a few statements each."""

BROAD = {"Exception", "BaseException"}
EDGES = {
    "visavis.__main__": "a crash becomes an exit code",
    "visavis.server.guard": "a crash becomes an answer of status 500",
    "visavis.server.batching": "a crash of the networks is raised in the thread of the request",
    "visavis.server.job_runner": "a crash becomes the error of the job",
    "visavis.server.camera_runner": "a crash becomes the state of the cameras, which are opened again",
    "visavis.server.passage_recorder": "a crash is logged, and the passages are recorded later",
}
"""Modules that catch everything, and why: where one command, request or job ends."""


def test_files_stay_small() -> None:
    lines = {module.name: len(module.text.splitlines()) for module in modules().values()}
    assert lines[GALLERY] <= GALLERY_LINES
    assert {name: count for name, count in lines.items() if count > FILE_LINES and name != GALLERY} == {}


def test_functions_stay_small() -> None:
    def long_functions(module: Module) -> list[tuple[str, int]]:
        sizes = [(function.name, (function.end_lineno or 0) - function.lineno + 1) for function in module.functions]
        return [(name, size) for name, size in sizes if size > FUNCTION_LINES]

    assert faults(long_functions) == {}


def test_the_methods_of_a_gallery_call_functions_of_other_modules() -> None:
    methods = modules()[GALLERY].functions
    long = {f.name for f in methods if len(f.body) - (ast.get_docstring(f) is not None) > METHOD_STATEMENTS}
    assert (len(methods) > 40, long) == (True, set())


def test_the_end_of_a_block_closes_by_one_class() -> None:
    """A class whose ``__exit__`` is ``self.close()`` alone derives from ``Closing``."""
    closers = [
        module.name
        for module in modules().values()
        for function in module.functions
        if function.name == "__exit__" and ast.unparse(function.body[-1]) == "self.close()" and len(function.body) == 1
    ]
    assert closers == ["visavis._closing"]


def test_nothing_is_printed_asserted_or_left_to_do() -> None:
    def leftovers(module: Module) -> list[str]:
        words = [word for word in ("TODO", "FIXME", "XXX", "pragma: no cover") if word in module.text]
        return words + [ast.unparse(node) for node in module.nodes if _is_print(node) or isinstance(node, ast.Assert)]

    assert faults(leftovers) == {}


def _is_print(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"print", "quit", "exit"}


def test_nothing_catches_everything_but_the_edges() -> None:
    """A handler that raises again catches nothing."""
    catchers = {
        module.name
        for module in modules().values()
        for node in module.nodes
        if isinstance(node, ast.ExceptHandler) and _is_broad(node) and not isinstance(node.body[-1], ast.Raise)
    }
    assert catchers == EDGES.keys()


def _is_broad(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or bool(BROAD & set(ast.unparse(handler.type).strip("()").split(", ")))


def test_nothing_unpickles_or_evaluates() -> None:
    """Weight files and galleries are read as data. One module restricts an unpickler, in order to refuse."""
    refused = {"eval", "exec", "pickle.load", "pickle.loads", "os.system", "marshal.loads"}

    def calls(module: Module) -> set[str]:
        return refused & {ast.unparse(node.func) for node in module.nodes if isinstance(node, ast.Call)}

    assert faults(calls) == {}


def test_the_default_networks_are_named_in_one_place() -> None:
    """No parameter, option or constant repeats them, but where they are registered and what compat imitates."""
    repeated = {
        f"{module.name}: {ast.unparse(node)}"
        for module in modules().values()
        if module.name != "visavis.defaults" and not module.name.startswith("visavis.compat")
        for node in _values(module.tree)
        if isinstance(node, ast.Constant) and node.value in {DETECTOR, EMBEDDER}
    }
    # The attribute ``name`` of the detector itself, and the architecture to train that is called as the embedder.
    assert repeated == {"visavis.detectors.mtcnn: 'mtcnn'", "visavis.cli.train.network: 'sface'"}


def _values(tree: ast.Module) -> Iterator[ast.expr | None]:
    """Yield the defaults of parameters, and the values that names and attributes are set to."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arguments):
            yield from [*node.defaults, *node.kw_defaults]
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            yield from node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
        elif isinstance(node, ast.keyword) and node.arg == "default":
            yield node.value


# The language: see docs/glossary.md

NAMELESS = {"one", "some", "found", "told", "taken", "known", "nobody", "somebody", "whom", "said", "seen", "meant"}
"""Names that do not say what they hold."""
PUBLIC = {
    ("visavis.types", "known"),
    ("visavis.classify", "known"),
    ("visavis.train.classifier_model", "known"),
    ("visavis.evaluate.identification", "known"),
}
"""Fields and properties that users read, such as ``identification.known``."""
BRITISH = re.compile(
    r"colour|neighbour|behaviour|favour|grey|centre|labelled|licen[c]e|(normal|recogn|quant|optim|serial|initial)is(e|ed|ing|ation)\b",
    re.IGNORECASE,
)
OTHER_SPELLINGS = {"visavis.weights.model_row", "visavis.cli._suggestions"}
"""Modules that read keys and words in other spellings, too."""


def test_names_say_what_they_hold() -> None:
    def nameless(module: Module) -> set[str]:
        bound = {name for node in module.nodes for name in _bound(node)}
        return {name for name in bound if name.strip("_").lower() in NAMELESS and (module.name, name) not in PUBLIC}

    assert faults(nameless) == {}


def _bound(node: ast.AST) -> list[str]:
    """Return the names that a node of the syntax tree gives."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return [node.id]
    if isinstance(node, ast.arg):
        return [node.arg]
    return [node.name] if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) else []


def test_each_type_has_a_name_of_its_own() -> None:
    """Classes and aliases of public modules; those of ``compat`` have the names that other packages gave them."""
    homes: dict[str, list[str]] = {}
    for module in modules().values():
        if not module.name.startswith("visavis.compat."):
            for name in _types(module):
                homes.setdefault(name, []).append(module.name)
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}


def _types(module: Module) -> list[str]:
    """Return the public classes of a module, and its aliases unless the module is machinery or a command."""
    classes = [node.name for node in module.tree.body if isinstance(node, ast.ClassDef)]
    assigned = [target for node in module.tree.body if isinstance(node, ast.Assign) for target in node.targets]
    aliases = [target.id for target in assigned if isinstance(target, ast.Name) and not target.id.isupper()]
    if "._" in module.name or module.name.startswith("visavis.cli"):
        aliases = []
    return [name for name in [*classes, *aliases] if name[0].isupper()]


def test_spelling_is_american() -> None:
    british = faults(lambda module: [word.group() for word in BRITISH.finditer(module.text)])
    assert {name: words for name, words in british.items() if name not in OTHER_SPELLINGS} == {}


def test_embeddings_are_not_called_vectors() -> None:
    """But for the type of a column of pgvector and Milvus, and unit vectors of geometry."""
    users = {
        module.name
        for module in modules().values()
        for node in module.nodes
        for name in _bound(node)
        if re.search(r"(^|_)vectors?($|_)", name, re.IGNORECASE)
    }
    assert users <= {"visavis.gallery.index.pgvector", "visavis.gallery.index.milvus", "visavis.poor_photos"}
