"""train classifier: fit a classifier on embeddings to labeled photos, and measure it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis import defaults
from visavis.cli._networks import EMBEDDING, Networks, takes
from visavis.cli._options import MODEL, Json
from visavis.cli._output import Output, note, write
from visavis.cli._sources import Exclude
from visavis.cli._table import Column
from visavis.errors import UsageError

if TYPE_CHECKING:
    from visavis.train.classifier import ClassifierOptions, ClassifierReport, ClassifierRun

FOLDS = 10
LISTED = 30
"""People listed on the terminal; of more, those with mistakes."""
PEOPLE_COLUMNS = (
    Column("person", fold=True),
    *(Column(title) for title in ("train", "test", "right", "F1")),
    Column("mistaken for", drop=1, least=12),
)
HEAD_COLUMNS = ("head", "accuracy", "log loss", Column("seconds", drop=1), "")


class SplitName(StrEnum):
    """How test photos are set aside; the names are those of ``visavis.train.classifier.PhotoSplit``."""

    every_tenth = "every-10th"
    k_fold = "k-fold"


class FeatureName(StrEnum):
    """What a face is described by; the names are those of ``visavis.train.classifier.FeatureKind``."""

    embeddings = "embeddings"
    landmarks = "landmarks"


LabeledPhotosPath = Annotated[
    Path | None,
    typer.Argument(metavar="DIR|CSV", exists=True, help="A folder a person, or a CSV of name and photo."),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="RUN", file_okay=False, help="Folder for the classifier and its report."),
]
Add = Annotated[
    Path | None,
    typer.Option(
        "--add", metavar="DIR", exists=True, help="Add people to the classifier in RUN; photos alone are one person."
    ),
]
Test = Annotated[
    Path | None, typer.Option("--test", metavar="DIR|CSV", exists=True, help="Test photos, in place of --split.")
]
Heads = Annotated[
    list[str] | None, typer.Option("--head", metavar="NAME", help="Head to try; repeatable.", show_default="all")
]
Balance = Annotated[bool, typer.Option("--balance", help="Let people with few photos weigh as much as others.")]
StrangerRate = Annotated[
    float, typer.Option("--fpir", metavar="RATE", help="Wanted share of strangers who are given a name.")
]
AcceptLicense = Annotated[
    bool, typer.Option("--accept-license", help="Accept that 68 landmarks are not for commercial use; needed once.")
]


@takes(EMBEDDING)
def classifier(  # noqa: PLR0913 - a command's options
    source: LabeledPhotosPath = None,
    *,
    exclude: Exclude = None,
    out: Out = None,
    add: Add = None,
    split: Annotated[SplitName, typer.Option("--split", help="How test photos are set aside.")] = SplitName.every_tenth,
    folds: Annotated[int, typer.Option("--folds", min=2, metavar="N", help="Folds of --split k-fold.")] = FOLDS,
    test: Test = None,
    features: Annotated[
        FeatureName, typer.Option("--features", help="What a face is described by.")
    ] = FeatureName.embeddings,
    heads: Heads = None,
    balance: Balance = False,
    fpir: StrangerRate = defaults.FPIR,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Seed of folds and fits.")] = 0,
    accept_license: AcceptLicense = False,
    networks: Networks,
    json: Json = False,
) -> None:
    """Train a classifier that names people, and measure it.

    Tries several heads on embeddings and chooses one by cross-validation on the training photos alone. Writes the
    classifier, report.json and report.html to RUN; identify --classifier RUN and classify --classifier RUN use it.
    """
    from visavis.train.classifier import ClassifierOptions, FeatureKind, PhotoSplit, train_classifier
    from visavis.train.heads import HEADS

    if (source is None) == (add is None):
        raise UsageError("the photos are those of DIR, or with --add those of people to add to the classifier in RUN.")
    _check_folder(out, adding=add is not None)
    given = {
        "--split": split is not SplitName.every_tenth, "--folds": folds != FOLDS, "--test": test is not None,
        "--features": features is not FeatureName.embeddings, "--head": bool(heads), "--balance": balance,
        "--fpir": fpir != defaults.FPIR, "--seed": seed != 0,
    }  # fmt: skip
    _refuse_ignored([name for name, is_given in given.items() if is_given], adding=add is not None)
    if add is not None:
        _add(add, out, networks, exclude=exclude or [], json=json)
        return
    options = ClassifierOptions(
        split=PhotoSplit(split.value),
        features=FeatureKind(features.value),
        heads=tuple(heads) if heads else tuple(HEADS),
        balance=balance,
        folds=folds,
        fpir=fpir,
        min_face=networks.min_face,
        seed=seed,
    )
    _accept_landmarks(options, accepted=accept_license)
    with Output("", "", json=json) as output:
        run = train_classifier(
            str(source), test=test, options=options, recognizer=networks.recognizer(), exclude=exclude or (),
            progress=output.progress,
        )  # fmt: skip
        _print_run(run, out, output)
    if not json:
        _print_tables(run.report, out)


def _add(people: Path, out: Path | None, networks: Networks, *, exclude: list[str], json: bool) -> None:
    from visavis.cli._classifiers import load_classifier
    from visavis.train.classifier import add_people

    saved = load_classifier(out or Path(), networks, model=None if networks.model == MODEL else networks.model)
    with Output("", "", json=json) as output:
        run = add_people(saved, people, exclude=exclude, progress=output.progress)
        _print_run(run, out, output)
    if not json:
        _print_tables(run.report, out)


def _refuse_ignored(given: Sequence[str], *, adding: bool) -> None:
    """Raise UsageError for options, by name, that would change nothing."""
    if adding and given:
        raise UsageError(f"the classifier to extend has its own: leave out {' and '.join(given)}.")
    of_split = [name for name in given if name in ("--split", "--folds")]
    if "--test" in given and of_split:
        raise UsageError(f"--test takes the place of a split: leave out {' and '.join(of_split)}.")
    if of_split == ["--folds"]:
        raise UsageError("--folds belongs to --split k-fold.")


def _check_folder(out: Path | None, *, adding: bool) -> None:
    """Raise UsageError, before the work, for a folder that holds other files or cannot be extended."""
    from visavis.train.classifier_file import FILE

    if out is None:
        if adding:
            raise UsageError("--add needs the classifier to extend: --out RUN.")
        note("nothing will be saved: --out RUN writes the classifier and its report.")
    elif not adding and out.is_dir() and any(out.iterdir()) and not (out / FILE).exists():
        raise UsageError(f"{out} holds other files: name a new folder, or one of an earlier classifier.")


def _accept_landmarks(options: ClassifierOptions, *, accepted: bool) -> None:
    """Accept the license of the landmarks if wanted; raise WeightsError, before the work, if it was not."""
    from visavis.landmarks import SPECS
    from visavis.weights import store

    if options.features.value == FeatureName.landmarks.value:
        if accepted:
            store.accept(SPECS[68])
        store.consent(SPECS[68])


def _print_run(run: ClassifierRun, out: Path | None, output: Output) -> None:
    report = run.report
    for text in report.notes:
        note(text)
    if out is not None:
        run.save(out)
    output.answer({**report.line(), "run": None if out is None else str(out)}, *_list_summary(report))


def _list_summary(report: ClassifierReport) -> list[list[str]]:
    from visavis.evaluate.report.page import percent
    from visavis.train.heads import find_head

    measures, rule, stranger = report.measures, report.rule, report.rule.measured
    rows = [
        ["chosen", find_head(report.chosen).title],
        ["features", f"{report.features} ({report.model})"],
        ["people", f"{report.people:,}"],
        ["photos", f"{report.train_photos:,} to train, {report.test_photos:,} to test ({report.split})"],
    ]
    if report.balance:
        rows.append(["balanced", report.balancing])
    if measures is not None:
        rows += [
            [
                "accuracy",
                f"{percent(measures.accuracy, measures.accuracy_interval)}, {measures.right:,} of {measures.photos:,}",
            ],
            ["top 5", percent(measures.top5)],
            ["macro F1", f"{measures.macro_f1:.4f}"],
            ["calibration error", f"{measures.ece:.4f}"],
        ]
    bound = f"{'at least' if rule.kind == 'probability' else 'at most'} {rule.threshold:.4f}"
    rows.append(["named from", f"a {rule.kind} of {bound}; {rule.basis}"])
    if stranger is not None:
        rows += [
            [
                "strangers named",
                f"{percent(stranger.rate, stranger.rate_interval)}, {stranger.named:,} of {stranger.strangers:,}",
            ],
            ["own photos named", f"{percent(stranger.kept_share)}, {stranger.kept:,} of {stranger.own:,}"],
        ]
    if report.strangers:
        rows.append(["strangers in the test", f"{report.strangers_named:,} of {report.strangers:,} were given a name"])
    return rows


def _print_tables(report: ClassifierReport, out: Path | None) -> None:
    from visavis.evaluate.report.page import percent

    write("\n")
    with Output(*HEAD_COLUMNS, json=False) as output:
        for score in report.scores:
            remark = score.reason or ("chosen" if score.name == report.chosen else "")
            figures = [percent(score.accuracy), f"{score.log_loss:.4f}", f"{score.seconds:.2f}"]
            output.answer({}, [score.name, *(figures if score.photos else ["-", "-", "-"]), remark])
    people = [] if report.measures is None else report.measures.people
    listed = [person for person in people if len(people) <= LISTED or person.right < person.test]
    write("\n")
    with Output(*PEOPLE_COLUMNS, json=False) as output:
        for person in listed[:LISTED]:
            mistakes = ", ".join(f"{name} {count}" for name, count in person.mistaken_for)
            f1 = "-" if person.f1 is None else f"{person.f1:.3f}"
            counts = [str(person.train), str(person.test), str(person.right)]
            output.answer({}, [person.name, *counts, f1, mistakes])
    if report.wrong:
        write("\n")
    with Output("photo", "person", Column("taken for"), "probability", json=False) as output:
        for photo in report.wrong[:LISTED]:
            output.answer({}, [photo.photo, photo.person, photo.named, percent(photo.probability)])
    if out is not None:
        note(f"the classifier and report.html are in {out}.")
