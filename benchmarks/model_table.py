"""Compare embedders: errors on LFW view 1 and among film stars, time, size and license, in one table.

    python benchmarks/model_table.py [MODEL ...] [--json FILE] [--write PAGE]

Without names, those of ``MODELS`` whose files are on this machine. All look at faces through the default detector.
TAR is over all pairs of photos, at the threshold that has the rate of false accepts on the same pairs; milliseconds
are of embedding a face, crop included in none of them (``visavis models bench``).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from _pages import decimal, markdown_of, write_blocks
from _rounds import data_folder, environment, report, table
from renew_figures import visavis

from visavis.embedders import EMBEDDERS, model_id
from visavis.weights import user_models
from visavis.weights.spec import all_specs
from visavis.weights.store import locate

MODELS = (
    *("sface", "sface@2", "sface@4", "dlib-resnet@1", "dlib-resnet", "dlib-resnet@4", "mobilefacenet"),
    *("facenet-vggface2", "facenet-casia", "vggface-vgg16", "vggface2-resnet50", "vggface2-senet50"),
    *("arcface-r50", "arcface-mobileface"),
)
Figures = dict[str, Any]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--write", type=Path, metavar="PAGE", help="renew the table between the marks of a page")
    chosen = parser.parse_args()
    before = environment()
    models = [model_id(name) for name in chosen.models or filter(is_here, MODELS)]
    speeds = {line["model"]: line for line in visavis("models", "bench", *models)}
    figures = {name: measured(name) | {"bench": speeds[name]} for name in models}
    columns = (
        *("model", "LFW view 1", "TAR at 1e-3", "1e-4", "film stars, TAR at 1e-3"),
        *("ms, one face", "of 32", "MB", "license", "trained on"),
    )
    results = table("Embedders", columns, [row(name, each) for name, each in figures.items()])
    report([results], before, chosen.json, figures)
    if chosen.write:
        write_blocks(chosen.write, {"models": markdown_of(results)})


def is_here(name: str) -> bool:
    """Tell whether the file of a model is on this machine."""
    base = name.partition("@")[0]
    if user_models.has(base):
        return True
    return base in EMBEDDERS.names() and any(spec.name == base and locate(spec) for spec in all_specs())


def measured(name: str) -> Figures:
    """Measure a model on LFW view 1 and on the film stars."""
    (lfw,) = visavis("evaluate", "lfw", data_folder() / "lfw", "--model", name)
    (stars,) = visavis("evaluate", "pairs", data_folder() / "celebrities", "--model", name)
    return {"lfw": lfw, "stars": stars}


def row(name: str, figures: Figures) -> list[str]:
    """Return the row of a model."""
    lfw, bench = figures["lfw"], figures["bench"]
    license, trained_on = origin(name.partition("@")[0])
    return [
        f"`{name}`",
        decimal(lfw["accuracy"], 3),
        *(decimal(tar(lfw, far)) for far in (1e-3, 1e-4)),
        decimal(tar(figures["stars"], 1e-3), 3),
        *(f"{bench['ms_embed'][batch]['median']:.1f}" for batch in ("1", "32")),
        f"{bench['bytes'] / 1e6:.1f}",
        license,
        trained_on,
    ]


def tar(figures: Figures, far: float) -> float:
    """Return the rate of true accepts at a rate of false ones."""
    return float(next(rate["tar"] for rate in figures["rates"] if rate["far"] == far))


def origin(base: str) -> tuple[str, str]:
    """Return the license of a model, and what it was trained on, as far as that is stated."""
    if user_models.has(base):
        model = user_models.row(base)
        return model.license or "-", model.trained_on or "-"
    spec = next(spec for spec in all_specs() if spec.name == base)
    return spec.license, spec.trained_on


if __name__ == "__main__":
    main()
