"""The documents say what is: their code runs, their tables are those of the code, their links lead somewhere."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cli.terminal import run_in_terminal
from command_tree import COMMANDS
from visavis import compare, errors
from visavis.defaults import EMBEDDER
from visavis.weights.spec import all_specs

from .documents import (
    COMMAND_LINE,
    COMMAND_PAGES,
    PAGES,
    Block,
    anchors,
    blocks,
    laid_out,
    lay_out_lfw,
    lay_out_photos,
    run,
    sections,
    table,
)
from .models_page import markdown
from .source import READS_SOURCE, ROOT, SRC, modules

README, CONTRIBUTING = ROOT / "README.md", ROOT / "CONTRIBUTING.md"
ACCURACY, MODELS = ROOT / "docs" / "accuracy.md", ROOT / "docs" / "models.md"


@pytest.fixture(scope="session")
def laid_out_photos(sample_photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that tests get a copy of."""
    folder = tmp_path_factory.mktemp("documents")
    lay_out_photos(sample_photos, folder)
    return folder


@pytest.fixture
def folder(laid_out_photos: Path, tmp_path: Path) -> Path:
    """A folder with the photos that the documents speak of."""
    return shutil.copytree(laid_out_photos, tmp_path, dirs_exist_ok=True)


# The README's two lines


def lines_of_code() -> list[str]:
    return [line for block in blocks(README) for line in block.text.splitlines() if line.strip()]


def test_the_first_two_lines_of_code_are_the_demo_and_the_tests() -> None:
    demo, check = lines_of_code()[:2]
    assert demo == "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/visavis demo"
    assert check.startswith("python3 -m venv .venv && ")
    assert check.endswith(" && ./check")
    assert [len(block.text.splitlines()) for block in blocks(README)[:2]] == [1, 1]


def test_contributors_set_up_and_check_as_the_readme_does() -> None:
    set_up, check = blocks(CONTRIBUTING, "sh")[0].text.splitlines()
    assert f"{set_up} && {check}" == lines_of_code()[1]


WORDS = re.compile(r"\b(told|whoever|whom|nobody|somebody)\b", re.IGNORECASE)
"""Words without a person or thing that they name."""


def test_documents_and_docstrings_name_what_they_speak_of() -> None:
    files = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md"), *ROOT.glob("src/**/*.py")]
    assert len(files) > 500
    texts = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in files}
    assert {name: words for name, text in texts.items() if (words := WORDS.findall(text))} == {}


@pytest.mark.skipif(sys.platform == "win32", reason="continuous integration runs on POSIX")
@pytest.mark.parametrize(("second", "code", "said"), [("echo tested", 0, "tested"), ("echo bad && exit 3", 3, "bad")])
def test_continuous_integration_runs_the_second_line(tmp_path: Path, second: str, code: int, said: str) -> None:
    """Of whatever README stands beside it; its exit code is the line's."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "second_line", tmp_path / ".ci" / "second_line")
    assert "bash .ci/second_line\n" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    text = f"# Title\n\n```\necho demo\n```\n\nWords.\n\n```sh\n{second}\n```\n\n```\necho third\n```\n"
    (tmp_path / "README.md").write_text(text, encoding="utf-8")
    done = run(["bash", ".ci/second_line"], cwd=tmp_path, check=False)
    assert done.returncode == code
    assert done.stdout.splitlines() == [f"+ {second}", said]


# Code that runs


PYTHON = [
    block
    for page in PAGES
    if page != CONTRIBUTING
    for block in blocks(page, "python")
    if "train_network" not in block.text  # needs PyTorch: tests/train/test_training_page.py
]


@pytest.mark.slow(seconds=46)
@pytest.mark.parametrize("block", PYTHON, ids=str)
def test_python_runs(block: Block, folder: Path) -> None:
    assert run([sys.executable, "-W", "error", "-c", block.text], cwd=folder).stderr == ""


def test_six_lines_of_python_and_three_of_shell(folder: Path) -> None:
    """Both tell the same: one person, and found again."""
    (python,), (shell,) = blocks(README, "python"), blocks(README, "sh")
    assert len([line for line in python.text.splitlines() if line]) <= 6
    assert len(shell.text.splitlines()) == 3
    assert run([sys.executable, "-c", python.text], cwd=folder).stdout == "True\n['Ann']\n"
    (folder / "faces.db").unlink()
    done = run(["sh", "-e", "-c", shell.text], cwd=folder)
    assert done.stdout.startswith("the same person\n")
    assert re.search(r"party\.jpg +1 .* Ann ", done.stdout)
    assert (folder / "named" / "party-named.jpg").is_file()


def test_the_demo_prints_what_the_readme_shows(folder: Path) -> None:
    shown, printed = (rows(text) for text in (blocks(README, "text")[0].text, run_demo(folder)))
    assert len(printed) == 9
    for row, now in zip(shown, printed, strict=True):
        assert row[:3] == now[:3]
        assert row[-1] == now[-1]
        for figure, figure_now in zip(row[3:5], now[3:5], strict=True):
            assert (figure, figure_now) == ("-", "-") or not figure[0].isdigit() or near(figure, figure_now)


def run_demo(folder: Path) -> str:
    """The table of the demo, as a terminal of 80 columns shows it."""
    program = "from visavis.__main__ import main; main()"
    code, shown = run_in_terminal(folder, "demo", columns=80, program=program, env=dict(os.environ))
    assert code == 0, shown
    text = shown.partition("\n\n")[0]
    assert max(map(len, text.splitlines())) <= 80
    return text


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.strip(" ─")]
    return [re.split(r" {2,}", line.strip()) for line in lines]


def near(shown: str, now: str) -> bool:
    return float(shown) == pytest.approx(float(now), abs=0.01)


@pytest.mark.slow(seconds=14)
def test_the_tutorial_prints_what_it_shows(folder: Path) -> None:
    """Every command in order, in one folder; of those with a block of text below, all that they print."""
    shells = blocks(ROOT / "docs" / "tutorial.md", "sh", "text")
    assert len(shells) > 10
    for shell, shown in pairwise([*shells, Block(shells[-1].page, 0, "sh", "")]):
        if shell.language == "sh":
            done = run(["sh", "-e", "-c", shell.text], cwd=folder, check=False)
            assert done.returncode == (1 if "identify ben.jpg" in shell.text else 0), done.stdout + done.stderr
            if shown.language == "text":
                printed = [line for line in words(done.stdout) if line]
                expected = [line for line in words(shown.text) if line]
                assert all(map(same_words, expected, printed)), done.stdout
                assert len(expected) <= len(printed)
    assert (folder / "named" / "party-named.jpg").is_file()
    assert (folder / "people.html").stat().st_size > 10_000
    assert (folder / "pairs.html").stat().st_size > 10_000


def words(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.strip(" ─")]


def same_words(shown: list[str], printed: list[str]) -> bool:
    """Whether a line is as shown, but for days and for decimal places of the networks."""
    return len(shown) == len(printed) and all(map(same_word, shown, printed))


def same_word(shown: str, printed: str) -> bool:
    if re.fullmatch(r"0\.\d+", shown) and re.fullmatch(r"0\.\d+", printed):
        return near(shown, printed)
    return shown == printed or bool(re.fullmatch(r"\d{4}-\d\d-\d\d", shown))


# Commands


def shown_commands() -> list[list[str]]:
    """Every ``visavis ...`` in a shell block or in back quotes, as words."""
    texts = [line for page in PAGES for block in blocks(page, "sh") for line in block.text.splitlines()]
    for page in PAGES:
        texts += re.findall(r"`(visavis [^`]+)`", page.read_text(encoding="utf-8"))
    return [shlex.split(text.replace("\\|", "|")) for text in texts if text.startswith("visavis ")]


def test_every_command_that_is_shown_exists_with_its_options() -> None:
    shown = [words[1:] for words in shown_commands() if words[1] not in {"COMMAND", "--version"}]
    assert len(shown) > 25
    for words in shown:
        grouped = words[0] in {"gallery", "models", "evaluate", "train", "cache", "keys", "attendance"}
        names = [f"{words[0]} {one}" for one in words[1].split("|")] if grouped else words[:1]
        assert [name for name in names if name not in COMMANDS] == []
        known = {option for name in names for one in COMMANDS[name].params for option in one.opts}
        assert {word for word in words if word.startswith("--")} <= known, words


def test_every_command_is_in_the_tables_and_has_its_section() -> None:
    headings = [command for page in COMMAND_PAGES for command in sections(page)]
    assert sorted(headings) == sorted(COMMANDS)
    listed = {row[0].split()[1] for row in table(COMMAND_LINE, "command", "does", "page")}
    assert listed == {name.split()[0] for name in COMMANDS}


def test_every_page_of_commands_is_among_those_that_are_checked() -> None:
    pages = {page for page in COMMAND_LINE.with_name("commands").glob("*.md") if sections(page)}
    assert pages == {*COMMAND_PAGES} - {COMMAND_LINE}
    assert pages < {*PAGES}


def test_each_command_is_listed_with_the_page_of_its_section() -> None:
    for command, _, link in table(COMMAND_LINE, "command", "does", "page"):
        path = link.partition("](")[2].rstrip(")").partition("#")[0]
        page = COMMAND_LINE.parent / path if path else COMMAND_LINE
        first, second = command.split()[1:3] if len(command.split()) > 2 else (command.split()[1], "")
        names = (
            [f"{first} {name}" for name in second.split("/")]
            if f"{first} list" in COMMANDS or first in {"evaluate", "train", "attendance"}
            else [first]
        )
        assert [name for name in names if name not in sections(page)] == [], command


ENDLESS = {"serve"}
"""Commands that end by a signal, and print no JSON: see tests/server/test_serve_page.py."""


def documented() -> list[tuple[Path, str, str]]:
    """Each command of the pages, in order, with its page and what the page shows of the first line printed."""
    shown = []
    for page in COMMAND_PAGES:
        for name, section in sections(page).items():
            if name in ENDLESS:
                continue
            command, line = re.findall(r"```(?:sh|json)\n(.*?)\n```", section, re.DOTALL)
            assert command.startswith(f"visavis {name}")
            shown.append((page, command, line))
    return shown


def of_lfw(command: str) -> bool:
    return " lfw" in command


def of_published_networks(command: str) -> bool:
    """Those whose weights do not come with the installation."""
    return command.startswith(("visavis classify", "visavis liveness"))


def of_recordings(command: str) -> bool:
    """Those that look at recordings of a camera: see tests/cli/evaluate."""
    return command.startswith(("visavis evaluate liveness", "visavis evaluate camera"))


def of_other_systems(command: str) -> bool:
    """Those that need another system or a terminal: see tests/attendance/integrations/test_targets.py."""
    return command.startswith(tuple(f"visavis attendance {name}" for name in ("push", "targets", "terminals")))


def of_pytorch(command: str) -> bool:
    """Those that need PyTorch, which not everyone has who runs the tests."""
    return command.startswith(("visavis train network", "visavis train compare")) and find_spec("torch") is None


@pytest.mark.slow(seconds=99)
def test_commands_print_what_is_documented(folder: Path) -> None:
    """One after the other in one folder, in the order of the pages."""
    for page, command, shown in documented():
        others = (of_lfw, of_published_networks, of_pytorch, of_recordings, of_other_systems)
        if not any(applies(command) for applies in others):
            done = run([*shlex.split(command), "--json"], cwd=folder, check=False)
            assert done.returncode == (1 if "why ben.jpg" in command else 0), done.stdout + done.stderr
            hold_documented(page, command, shown, done.stdout.splitlines()[0])


@pytest.mark.slow(seconds=120)
@pytest.mark.parametrize(("page", "command", "shown"), [row for row in documented() if of_lfw(row[1])])
def test_commands_measure_what_is_documented(page: Path, command: str, shown: str, data: Path, tmp_path: Path) -> None:
    """Those that need many photographs of many people."""
    lay_out_lfw(data, tmp_path)
    (printed,) = run([*shlex.split(command), "--json"], cwd=tmp_path).stdout.splitlines()
    hold_documented(page, command, shown, printed)


def hold_documented(page: Path, command: str, shown: str, printed: str) -> None:
    """Compare what the page shows of a command with what it prints; VISAVIS_WRITE_DOCS=1 renews what differs."""
    wrong = alike(json.loads(shown), shortened(json.loads(printed)))
    if wrong and os.environ.get("VISAVIS_WRITE_DOCS"):
        text = page.read_text(encoding="utf-8")
        page.write_text(text.replace(shown, laid_out(shortened(json.loads(printed))), 1), encoding="utf-8")
        return
    assert wrong == [], command


@pytest.mark.parametrize(("command", "shown"), [row[1:] for row in documented() if of_published_networks(row[1])])
def test_commands_of_published_networks(
    command: str, shown: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where their weights are on this machine; elsewhere they say what is missing."""
    (photo,) = (word for word in shlex.split(command) if word.endswith(".jpg"))
    shutil.copyfile(data / "photos" / "tutorial" / photo, tmp_path / photo)
    monkeypatch.setenv("VISAVIS_OFFLINE", "1")
    monkeypatch.setenv("VISAVIS_WEIGHTS", str(data.parent / "weights"))
    done = run([*shlex.split(command), "--json"], cwd=tmp_path, check=False)
    if done.returncode == 3:
        assert "is missing" in done.stderr
        pytest.skip(done.stderr)
    assert alike(json.loads(shown), json.loads(done.stdout)) == []


OF_THE_DAY = {
    "at",
    "actor",
    "changed",
    "changed_by",
    "recorded",
    "recorded_by",
    "decided",
    "created",
    "created_by",
    "expires",
    "path",
    "seconds",
    "bytes",
    "bytes_before",
    "files",
    "entries",
    "date",
    "ms_detect",
    "ms_embed",
    "threads",
    "faces_per_second",
    "pictures_a_second",
}


RANDOM_ID = re.compile("[0-9a-f]{32}|[0-9a-f]{12}")
"""Id of an event, or of a key."""
MANY = 100
"""Counts of pairs beyond it may differ by a little too."""


def alike(shown: Any, printed: Any, at: str = "") -> list[str]:
    """Places where a documented answer is not the one given; figures of the networks may differ by a little."""
    if isinstance(shown, dict) and isinstance(printed, dict):
        wrong = [f"{at}: keys"] if list(shown) != list(printed) else []
        same = [key for key in shown if key in printed and key not in OF_THE_DAY]
        return wrong + [one for key in same for one in alike(shown[key], printed[key], f"{at}.{key}")]
    if isinstance(shown, list) and isinstance(printed, list) and len(shown) == len(printed):
        pairs = enumerate(zip(shown, printed, strict=True))
        return [one for n, (a, b) in pairs for one in alike(a, b, f"{at}[{n}]")]
    if isinstance(shown, int) and isinstance(printed, int) and min(shown, printed) > MANY:
        return [] if shown == pytest.approx(printed, rel=0.02) else [f"{at}: {shown}, {printed}"]
    if isinstance(shown, float) and isinstance(printed, float):
        return [] if shown == pytest.approx(printed, rel=0.02, abs=0.02) else [f"{at}: {shown}, {printed}"]
    if isinstance(shown, str) and isinstance(printed, str) and shown.startswith("/photos/"):
        printed = f"/photos/{Path(printed).name}"  # where the photos lie is the reader's affair
    if at.endswith(".id") and RANDOM_ID.fullmatch(str(shown)) and RANDOM_ID.fullmatch(str(printed)):
        printed = shown if len(shown) == len(printed) else printed  # each event and key has one of its own
    if at.endswith(".key") and str(printed).startswith("vv_"):
        printed = "vv_..."  # each key has a secret of its own
    return [] if shown == printed else [f"{at}: {shown}, {printed}"]


MOST_SHOWN = 20
"""Values of a list that pages show in full; of a longer one they show the first three."""


def shortened(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: shortened(each) for key, each in value.items()}
    if not isinstance(value, list):
        return value
    return [shortened(each) for each in value] if len(value) <= MOST_SHOWN else [*value[:3], "..."]


def test_long_lists_are_shortened() -> None:
    assert shortened({"a": [1.5, [*range(21)]], "b": [*range(20)]}) == {"a": [1.5, [0, 1, 2, "..."]], "b": [*range(20)]}


def test_what_is_compared_is_seen() -> None:
    assert alike({"a": [1.0, {"b": None}]}, {"a": [1.01, {"b": None}]}) == []
    assert alike({"a": 1}, {"a": 1, "b": 2}) == [": keys"]
    assert alike({"a": [0.5, "x"]}, {"a": [0.6, "y"]}) == [".a[0]: 0.5, 0.6", ".a[1]: x, y"]
    assert alike([1], [1, 2]) != []
    assert alike(None, 1.0) != []


# Tables


def test_thresholds_are_those_that_are_shipped() -> None:
    calibration = compare.calibration(EMBEDDER)
    assert calibration is not None
    shown = [(float(far), float(distance)) for far, distance in table(ACCURACY, "FAR", "cosine distance")]
    assert [far for far, _ in shown] == list(calibration.far)
    assert [distance for _, distance in shown] == [round(one, 4) for one in calibration.thresholds]


def test_licenses_are_those_of_the_weights() -> None:
    shown = {
        (name, license, package)
        for names, _, license, package in table(MODELS, "weight file", "for", "license", "from the package")
        for name in names.split(", ")
    }
    assert shown == {(row.name, row.license, row.package.replace("_", "-")) for row in all_specs() if row.package}


def test_the_page_of_models_is_what_the_rows_say() -> None:
    """VISAVIS_WRITE_MODELS=1 writes it anew."""
    page = ROOT / "MODELS.md"
    if os.environ.get("VISAVIS_WRITE_MODELS"):
        page.write_text(markdown(), encoding="utf-8")
    assert page.read_text(encoding="utf-8") == markdown()
    assert all(f"| `{row.name}` |" in markdown() for row in all_specs())


def test_exit_codes_are_those_of_the_errors() -> None:
    shown = {int(code) for codes, _ in table(COMMAND_LINE, "exit code", "means") for code in codes.split(", ")}
    used = {each.exit_code for each in vars(errors).values() if isinstance(each, type) and hasattr(each, "exit_code")}
    assert shown == {0, 1, 70, 130, 141} | used


@READS_SOURCE
def test_settings_are_those_that_are_read() -> None:
    texts = [module.path.read_text(encoding="utf-8") for module in modules().values()]
    read = {name for text in texts for name in re.findall(r"VISAVIS_[A-Z_]+", text)}
    shown = {name for name, _ in table(COMMAND_LINE, "variable", "means")}
    assert shown == read | {"VISAVIS_TEST_DATA"}


# Links and names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    """To a file that exists, and to a heading of that page."""
    links = re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", page.read_text(encoding="utf-8"))
    for path, anchor in links:
        if "://" not in path:
            target = page.parent / path if path else page
            assert target.exists(), path
            assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


def test_the_index_lists_every_page() -> None:
    index = ROOT / "docs" / "index.md"
    links = re.findall(r"\]\(([^)#]+)", index.read_text(encoding="utf-8"))
    listed = {(index.parent / link).resolve() for link in links}
    pages = {path for path in index.parent.rglob("*") if path.suffix in {".md", ".ipynb"}} - {index}
    assert {path.name for path in pages - listed} == set()


@READS_SOURCE
def test_the_files_of_the_architecture_are_those_there_are() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    tree = page.partition("src/visavis/\n")[2].partition("```")[0]
    parts = {name.split(".")[1] for name in modules() if name != "visavis"}
    assert [part for part in sorted(parts) if not re.search(rf"\b{part}(\.py|/)", tree)] == []
    files = {module.path.name for module in modules().values()}
    assert {name for name in re.findall(r"\w+\.py\b", tree) if name not in files} == set()


@READS_SOURCE
def test_the_list_of_modules_is_that_of_the_source() -> None:
    """Each file once, with the first line of its docstring; VISAVIS_WRITE_DOCS=1 renews the page."""
    page = ROOT / "docs" / "modules.md"
    lines = [
        "# Every module",
        "",
        "Each file of `src/visavis/` with the first line of its docstring. "
        "How they belong together: [architecture](architecture.md).",
    ]
    folder = None
    for module in sorted(modules().values(), key=lambda module: (module.path.parent.parts, module.path.name)):
        if module.path.parent != folder:
            folder = module.path.parent
            name = folder.relative_to(SRC).as_posix()
            lines += ["", f"## {name}", "", "| file | holds |", "|---|---|"]
        first = (ast.get_docstring(module.tree) or "").partition("\n")[0]
        lines.append(f"| `{module.path.name}` | {first.replace('|', chr(92) + '|')} |")
    text = "\n".join(lines) + "\n"
    if os.environ.get("VISAVIS_WRITE_DOCS"):
        page.write_text(text, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == text


# Contributions


def test_the_examples_pass_the_contract(tmp_path: Path) -> None:
    """As written, in files of their own, by the command that is given for packages of others: once for all three."""
    names = ("haar", "lbp", "plain")
    for name in names:
        (example,) = (block for block in blocks(CONTRIBUTING, "python") if f'register("{name}")' in block.text)
        (tmp_path / f"my_{name}.py").write_text(example.text, encoding="utf-8")
    plugins = [word for name in names for word in ("-p", f"my_{name}")]
    command = ["-m", "pytest", "-v", *plugins, "tests/contract", "-k", " or ".join(names), "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for name in names:
        assert len(re.findall(rf"^.*\[.*\b{name}\b.*\] PASSED", done.stdout, re.MULTILINE)) >= 5, name


@pytest.mark.parametrize("block", blocks(CONTRIBUTING, "python"), ids=str)
def test_examples_keep_the_rules_they_are_examples_of(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "example.py"
    path.write_text(block.text, encoding="utf-8")
    config = str(ROOT / "pyproject.toml")
    for tool in (["check", "--no-cache"], ["format", "--check"]):
        run([sys.executable, "-m", "ruff", *tool, "--config", config, str(path)], cwd=ROOT)
