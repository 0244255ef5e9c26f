"""models show."""

from pathlib import Path

from cli.conftest import Run
from visavis.weights.spec import all_specs


def test_show_is_the_line_of_list(run: Run) -> None:
    lines = run("models", "list", "--json").lines
    assert run("models", "show", lines[0]["name"], "--json").line == lines[0]
    shown = run("models", "show", "dlib-resnet").out
    assert "trained_on" in shown
    assert "FaceScrub" in shown


def test_an_unknown_name_is_exit_2(run: Run) -> None:
    done = run("models", "show", "dlib-resnett")
    assert done.code == 2
    assert "dlib-resnet" in done.err


def test_show_leaves_out_what_is_not_known(run: Run, own_model: Path) -> None:
    run("models", "import", own_model)
    rows = dict(line.split(maxsplit=1) for line in run("models", "show", "own").out.splitlines() if line.strip())
    line = run("models", "show", "own", "--json").line
    assert {"url", "quantized_from", "published_threshold"} == {key for key, value in line.items() if value is None} - {
        "threshold_source", "non_commercial",
    }  # fmt: skip
    assert set(rows) == {key for key, value in line.items() if value is not None}
    assert (rows["present"], rows["scale"]) == ("yes", f"{line['scale']:.9g}")
    for name in (spec.name for spec in all_specs()):
        assert "None" not in run("models", "show", name).out


def test_show_tells_a_published_threshold_and_its_source(run: Run) -> None:
    line = run("models", "show", "facenet-vggface2", "--json").line
    assert (line["published_threshold"], line["threshold_source"]) == (
        0.3,
        "deepface 0.0.103, config/threshold.py, Facenet512",
    )
