"""models bench."""

from cli.conftest import Run


def test_bench_tells_the_accuracy_that_came_with_a_model(run: Run) -> None:
    line = run("models", "bench", "dlib-resnet", "--json").line
    assert line["accuracy"] == {"data": "LFW (deep-funneled) view 1", "far": 0.001, "tar": 0.94706}
    assert (line["model"], line["precision"], line["bytes"]) == ("dlib-resnet", "float32", 22_466_066)
