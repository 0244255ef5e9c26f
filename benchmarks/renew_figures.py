"""Measure again everything that depends on detector, crops and embedder, and write it where it is stated.

    python benchmarks/renew_figures.py [--only STEP ...] [--work DIR]

The steps, in the order in which they run, and what they write:

    calibration   src/visavis/calibration/*.json; the table of thresholds in docs/accuracy.md
    accuracy      docs/accuracy.md: accuracy and rates on LFW view 1, other people, searches; README.md's sentences
    views         docs/accuracy.md: one, two and four views
    templates     docs/accuracy.md: several templates of one person
    quality       docs/quality.md: error against rejection
    clusters      docs/clustering.md: clusters of LFW view 1 and of the film stars
    agreement     docs/accuracy.md: agreement of the detector with facenet-pytorch
    limits        docs/limits.md, by benchmarks/hard_photos.py
    models        docs/models.md: the table of embedders

Every figure is also kept as JSON in DIR (default: .cache/figures). What is chosen by hand, and not measured by these
steps, is left alone: the curves of quality, the rules of clustering, the tables of what else was tried.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from _pages import decimal, markdown, scientific, write_blocks
from _rounds import data_folder
from peers import ROOT

from visavis import compare
from visavis.defaults import DETECTOR, EMBEDDER
from visavis.embedders import model_id
from visavis.embedding_cache.photo_cache import EmbeddingCache
from visavis.evaluate.data.templates import take
from visavis.evaluate.stats.intervals import wilson
from visavis.evaluate.verification import read_lfw
from visavis.pipeline import Recognizer

README, ACCURACY = ROOT / "README.md", ROOT / "docs" / "accuracy.md"
TABLES = ROOT / "src" / "visavis" / "calibration"
MODEL = EMBEDDER
MODELS = (*(f"{MODEL}@{views}" for views in (1, 2, 4)), "dlib-resnet@1", "dlib-resnet", "dlib-resnet@4")
"""Whose thresholds are shipped."""
RATES = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5)
PROMISED = (1e-2, 1e-3, 1e-4)
GALLERIES, DRAWS, FPIR = (100, 1000, 2000), 10, 0.01

Figures = dict[str, Any]


def main() -> None:
    """Run the steps chosen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=list(STEPS), metavar="STEP", help="repeatable")
    parser.add_argument("--work", type=Path, default=ROOT / ".cache" / "figures")
    chosen = parser.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    for name in chosen.only or STEPS:
        print(f"--- {name}", flush=True)
        STEPS[name](chosen.work)


def visavis(*arguments: object) -> list[Figures]:
    """Run a command of visavis and return the objects that it prints."""
    command = [sys.executable, "-m", "visavis", *map(str, arguments), "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def benchmark(name: str, *arguments: object) -> None:
    """Run another script of this folder."""
    subprocess.run([sys.executable, ROOT / "benchmarks" / name, *map(str, arguments)], check=True)


def calibration(work: Path) -> None:
    """Measure the thresholds that are shipped."""
    for model in map(model_id, MODELS):
        options = ["--model", model, "--name", "LFW (deep-funneled) view 1", "--out", str(TABLES / f"{model}.json")]
        options += ["--degrade"] if model.startswith(MODEL) else []
        lines = visavis("calibrate", data_folder() / "lfw" / "images", *options)
        (work / f"{model}.json").write_text(json.dumps(lines))
    table = json.loads((TABLES / f"{MODEL}.json").read_text())["far_threshold"]
    rows = [[f"{far:.6f}".rstrip("0"), f"{threshold:.4f}"] for far, threshold in table]
    write_blocks(ACCURACY, {"thresholds": markdown(["FAR", "cosine distance"], rows)})


def accuracy(work: Path) -> None:
    """Measure LFW view 1, other people, and searches, at the thresholds shipped."""
    (lfw,) = visavis("evaluate", "lfw", data_folder() / "lfw")
    others = {name: visavis("evaluate", "pairs", data_folder() / name)[0] for name in ("orl", "celebrities")}
    searches = {str(people): search(people) for people in GALLERIES}
    (work / "accuracy.json").write_text(json.dumps({"lfw": lfw, "others": others, "searches": searches}, indent=1))
    held_out = {row["far"]: row for row in json.loads((TABLES / f"{MODEL}.json").read_text())["held_out"]}
    errors = round((1 - lfw["accuracy"]) * 1000)
    write_blocks(
        ACCURACY,
        {
            "date": f"Measured on {date.today().isoformat()}.\n",
            "accuracy": markdown(
                ["", ""],
                [
                    [
                        "accuracy on `pairsDevTest`",
                        f"{decimal(lfw['accuracy'])} (standard error {decimal(lfw['accuracy_error'])}: "
                        f"{errors} errors in 1,000 pairs)",
                    ],
                    ["threshold from `pairsDevTrain`", f"cosine distance {decimal(lfw['accuracy_threshold'])}"],
                ],
            ),
            "rates": markdown(
                ["FAR", "cosine distance (95 %)", "pairs of one person accepted (95 %)", "FAR on other people (95 %)"],
                [rate_row(row, held_out) for row in lfw["rates"]],
            ),
            "other people": other_people(held_out, others),
            "searches": search_table(searches),
        },
    )
    write_sentences(lfw, others["celebrities"])


def rate_row(row: Figures, held_out: Figures) -> list[str]:
    """Return a row of the table of rates."""
    far, other = row["far"], held_out.get(row["far"])
    return [
        f"{far:.0e}".replace("e-0", "e-"),
        spread(row["threshold"], row["threshold_interval"], decimal),
        spread(row["tar"], row["tar_interval"], decimal),
        "" if other is None else spread(other["measured"], other["interval"], scientific),
    ]


def spread(value: float, interval: list[float], write: Callable[[float], str]) -> str:
    """Write a figure with its interval."""
    return f"{write(value)} ({write(interval[0])} to {write(interval[1])})"


def other_people(held_out: Figures, others: dict[str, Figures]) -> str:
    """Return the table of what the rates are on other people."""
    promises = {name: {row["far"]: row for row in each["promises"]} for name, each in others.items()}
    rows = [
        [
            f"{far:.0e}".replace("e-0", "e-"),
            spread(held_out[far]["measured"], held_out[far]["interval"], scientific),
            *(spread(promises[name][far]["measured"], promises[name][far]["interval"], scientific) for name in others),
        ]
        for far in PROMISED
    ]
    rows.append(["TAR at 1e-3", "", *(decimal(promises[name][1e-3]["tar"], 3) for name in others)])
    facts = [f"{name}: {each['photos']} photos, {each['impostors']:,} pairs" for name, each in others.items()]
    return markdown(["promised", "LFW view 1, other half of the people", *facts], rows)


def search(people: int) -> Figures:
    """Return how often strangers are named among ``people``, each with one photo, in draws of the people."""
    lists = read_lfw(data_folder() / "lfw", view=1)
    recognizer = Recognizer()
    with EmbeddingCache(recognizer) as cache:
        templates = take(lists[0].photos, recognizer, cache=cache)
    embeddings, names = templates.embeddings[templates.has_template], np.array(lists[0].names)[templates.has_template]
    table = compare.calibration(MODEL)
    assert table is not None
    threshold, rates, held = table.search_threshold(FPIR, people), [], 0
    for seed in range(DRAWS):
        enrolled = np.random.default_rng(seed).permutation(sorted(set(names.tolist())))[:people]
        first = np.array([np.flatnonzero(names == name)[0] for name in enrolled])
        unknown = ~np.isin(names, enrolled)
        nearest = 1 - (embeddings[unknown] @ embeddings[first].T).max(axis=1)
        rates.append(float(np.mean(nearest <= threshold)))
        low, high = wilson(int((nearest <= threshold).sum()), int(unknown.sum()))
        held += low <= FPIR <= high
    return {"fpir": float(np.mean(rates)), "held": held, "probes": int(unknown.sum()), "threshold": threshold}


def search_table(searches: dict[str, Figures]) -> str:
    """Return the table of searches."""
    rows = [
        [f"{int(people):,}", f"{each['probes']:,}", f"{each['fpir']:.4f}", f"{each['held']} of {DRAWS}"]
        for people, each in searches.items()
    ]
    return markdown(["people", "strangers' photos", f"FPIR where {FPIR:g} is wanted", "intervals that hold it"], rows)


def write_sentences(lfw: Figures, stars: Figures) -> None:
    """Write the sentences of the README that state figures."""
    promise = next(row for row in stars["promises"] if row["far"] == 1e-3)
    write_blocks(
        README,
        {
            "accuracy": f"On LFW view 1 the default pair (`{DETECTOR}`, `{EMBEDDER}`) is right for "
            f"{decimal(lfw['accuracy'], 3)} of the 1,000 test pairs, at the threshold chosen on the\ntraining pairs.\n",
            "film stars": f"  Among ten film stars strangers pass {promise['measured'] / 1e-3:.0f} times as often as "
            "promised\n  ([accuracy](docs/accuracy.md)).\n",
        },
    )


def views(work: Path) -> None:
    """Measure one, two and four views."""
    benchmark("views.py", "--json", work / "views.json", "--write", ACCURACY)


def templates(work: Path) -> None:
    """Measure the rules for several templates of one person."""
    benchmark("score_rules.py", "--json", work / "templates.json", "--write", ACCURACY)


def quality(work: Path) -> None:
    """Measure what rejecting the worst photos gains."""
    (lfw,) = visavis("evaluate", "lfw", data_folder() / "lfw")
    curve = lfw["rejection"]
    rows = [[f"{100 * share:.0f} %", decimal(rate)] for share, rate in zip(curve["shares"], curve["fnmr"], strict=True)]
    write_blocks(ROOT / "docs" / "quality.md", {"rejection": markdown(["rejected", "FNMR at FAR 1e-3"], rows)})


def clusters(work: Path) -> None:
    """Measure the clusters of LFW view 1 and of the film stars, and albums full of strangers."""
    page, lfw = ROOT / "docs" / "clustering.md", data_folder() / "lfw" / "images"
    stars = data_folder() / "celebrities"
    benchmark("cluster_accuracy.py", lfw, stars, "--json", work / "clusters.json", "--write", page)
    benchmark("album.py", lfw, "--json", work / "albums.json", "--write", page)


def agreement(work: Path) -> None:
    """Hold the detector against facenet-pytorch's faces."""
    benchmark("agreement.py", "--json", work / "agreement.json")


def limits(work: Path) -> None:
    """Measure hard photos."""
    benchmark("hard_photos.py", "--json", work / "limits.json", "--write", ROOT / "docs" / "limits.md")


def models(work: Path) -> None:
    """Compare the embedders that are here."""
    benchmark("model_table.py", "--json", work / "models.json", "--write", ROOT / "docs" / "models.md")


STEPS: dict[str, Callable[[Path], None]] = {
    step.__name__: step
    for step in (calibration, accuracy, views, templates, quality, clusters, agreement, limits, models)
}

if __name__ == "__main__":
    main()
