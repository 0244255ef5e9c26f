"""The rows of weight files as a page of Markdown: what MODELS.md is."""

from __future__ import annotations

from visavis.weights.row import WeightSpec
from visavis.weights.spec import all_specs

HEAD = """# Models

Written from the rows of `src/visavis/weights/`; a test compares. `visavis models list` shows which files are on this
machine, `visavis models show NAME` all that is known of one; `visavis models fetch NAME` downloads it, `visavis models
import FILE` takes one that you have, whatever it is called. Accuracies are those that authors published, by the source
named; those measured here are in [docs/accuracy.md](docs/accuracy.md). Files that other libraries have downloaded are
found where these put them: [docs/models.md](docs/models.md). A file whose hash was not published is pinned when
it is first fetched or imported. Files that forbid some uses are taken only after `--accept-license` or
`VISAVIS_ACCEPT_LICENSE=1`.
"""

TASKS = {
    "detect": "Detectors",
    "embed": "Embedders",
    "embed, classify": "Embedders that name celebrities too",
    "landmarks": "Landmarks",
    "classify": "Names of classes",
    "liveness": "Liveness",
}


def markdown() -> str:
    """Return the page: a table a task, a row a file."""
    rows = all_specs()
    tasks = dict.fromkeys([*TASKS, *(row.task for row in rows)])
    return "\n".join([HEAD, *(_section(task, [row for row in rows if row.task == task]) for task in tasks)])


def _section(task: str, rows: list[WeightSpec]) -> str:
    heads = ("name", "file", "MB", "license", "trained on", "input", "published accuracy", "pinned")
    head = f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|"
    lines = [
        f"| `{row.name}` | {row.file} | {row.size / 1e6:.1f} | {row.license} | {row.trained_on} | {_input(row)} "
        f"| {row.accuracy or '-'} | {'yes' if row.sha256 else 'at first use'} |"
        for row in rows
    ]
    return "\n".join([f"## {TASKS.get(task, task)}", "", head, *lines, ""])


def _input(row: WeightSpec) -> str:
    side = f"{row.input_size} pixels, " if row.input_size else ""
    mean = ", ".join(f"{value:g}" for value in row.mean)
    return f"{side}{row.channels}, minus ({mean}), times {row.scale:.6g}"
