"""train network: train a network on labeled photos; the result is a model for --model."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from visavis import permissions
from visavis.cli._options import DETECTOR, DetectorName, Json
from visavis.cli._output import Output, note, short
from visavis.cli._sources import Exclude
from visavis.cli.train._interrupts import INTERRUPTED, catch_interrupts
from visavis.errors import UsageError
from visavis.printable import significant

if TYPE_CHECKING:
    from visavis.train.config import Settings
    from visavis.train.health import Epoch
    from visavis.train.initial_weights import InitialWeights
    from visavis.train.network_run import NetworkRun, Plan

COLUMNS = "epoch      loss  active  same person  others  spread  held out  photos/s"


class ArchitectureName(StrEnum):
    """Names of the architectures; they are those of ``visavis.train.architectures.ARCHITECTURES``."""

    small_cnn = "small_cnn"
    vgg16 = "vgg16"
    resnet18 = "resnet18"
    resnet50 = "resnet50"
    senet50 = "senet50"
    mobilefacenet = "mobilefacenet"
    sface = "sface"
    inception_resnet_v1 = "inception_resnet_v1"
    dlib_resnet = "dlib_resnet"


class LossName(StrEnum):
    """Losses; the names are those of ``visavis.train.config.LOSSES``."""

    softmax = "softmax"
    triplet = "triplet"
    contrastive = "contrastive"
    arcface = "arcface"
    cosface = "cosface"


class MinerName(StrEnum):
    """Ways to choose triplets; the names are those of ``visavis.train.config.MINERS``."""

    random = "random"
    all = "all"
    semi_hard = "semi-hard"
    batch_hard = "batch-hard"
    offline = "offline"


People = Annotated[
    Path,
    typer.Argument(
        metavar="DIR|CSV|REC", exists=True, help="A folder a person, a CSV of name and photo, or train.rec of MXNet."
    ),
]
Run = Annotated[Path, typer.Option("--out", metavar="RUN", file_okay=False, help="New folder for the run.")]
Arch = Annotated[ArchitectureName | None, typer.Option("--arch", help="Architecture.", show_default="small_cnn")]
LossOption = Annotated[LossName | None, typer.Option("--loss", help="Loss.", show_default="triplet")]
MinerOption = Annotated[
    MinerName | None, typer.Option("--miner", help="How triplets are chosen.", show_default="semi-hard")
]
Epochs = Annotated[int | None, typer.Option("--epochs", min=1, metavar="N", help="Epochs.", show_default="20")]
Minutes = Annotated[
    float | None, typer.Option("--minutes", min=0.01, metavar="N", help="Train this long, not --epochs.")
]
Size = Annotated[
    int | None,
    typer.Option(
        "--size", min=32, max=1024, metavar="PIXELS", help="Side of the crops.", show_default="the architecture's"
    ),
]
Init = Annotated[
    str | None,
    typer.Option("--init", metavar="MODEL|RUN", help="Begin with the weights of a model, or of an earlier run."),
]
Config = Annotated[Path | None, typer.Option("--config", metavar="FILE.toml", help="Settings; options go before them.")]
Seed = Annotated[int | None, typer.Option("--seed", min=0, metavar="N", help="Seed of the run.", show_default="0")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in RUN.")]
Aligned = Annotated[bool, typer.Option("--aligned", help="The photos are crops of faces already.")]
Test = Annotated[
    Path | None,
    typer.Option(
        "--test", metavar="DIR|CSV", exists=True, help="Photos of other people to hold out.", show_default="a fifth"
    ),
]
Suspects = Annotated[
    bool, typer.Option("--suspects", help="Look first for labels that look wrong; train only if there are none.")
]
License = Annotated[
    str, typer.Option("--license", metavar="TEXT", help="License of the photos, for the model's description.")
]


def network(  # noqa: PLR0913 - a command's options
    source: People,
    *,
    out: Run,
    exclude: Exclude = None,
    arch: Arch = None,
    loss: LossOption = None,
    miner: MinerOption = None,
    epochs: Epochs = None,
    minutes: Minutes = None,
    size: Size = None,
    init: Init = None,
    config: Config = None,
    seed: Seed = None,
    resume: Resume = False,
    aligned: Aligned = False,
    test: Test = None,
    suspects: Suspects = False,
    license: License = "",
    detector: DetectorName = DETECTOR,
    json: Json = False,
) -> None:
    """Train a network that makes embeddings of faces.

    Before it starts it prints what it will do and how long that takes; then a line per epoch. RUN holds log.csv, the
    report report.html and the model: --model RUN uses it in other commands. Ctrl-C ends the run after a step;
    --resume goes on with it.
    """
    from visavis.train.initial_weights import read_initial_weights
    from visavis.train.network import train_network

    options = {
        "architecture": arch, "loss": loss, "miner": miner, "epochs": epochs, "minutes": minutes, "size": size,
        "seed": seed, "validation": test and {"test": str(test.resolve())},
    }  # fmt: skip
    given = {name: _plain(value) for name, value in options.items() if value is not None}
    if resume and (given or config or init is not None or license):
        raise UsageError("--resume goes on with the settings that the run began with: leave out all others.")
    initial = None if init is None else read_initial_weights(init)
    settings = None if resume else _settings(given, config, initial)
    if suspects and not resume:
        _check_labels(source, out, exclude=exclude or [], detector=detector, aligned=aligned, json=json)
    with Output("", json=json) as output, catch_interrupts() as interrupted:
        run = train_network(
            source,
            out,
            settings,
            init=initial,
            resume=resume,
            aligned=aligned,
            detector=detector,
            exclude=exclude or (),
            license=license,
            progress=output.progress,
            planned=_print_plan,
            trained=lambda epoch: _print_epoch(epoch, output, json=json),
            interrupted=interrupted,
        )
    _print_end(run, output, json=json)


def _settings(given: dict[str, object], config: Path | None, initial: InitialWeights | None) -> Settings:
    """Return the settings: options go before those of the file, and these before those of the weights to begin with."""
    from visavis.train.config import Settings, parse, read

    base = Settings() if initial is None else initial.settings
    return parse(given, read(config, base) if config else base)


def _check_labels(source: Path, out: Path, *, exclude: list[str], detector: str, aligned: bool, json: bool) -> None:
    """End the command, with a list and a page, if labels look wrong."""
    from visavis.cli.train.suspects import print_suspects, write_page
    from visavis.pipeline import Recognizer
    from visavis.train.labeled_photos import read_labeled_photos
    from visavis.train.recordio import find_record_file
    from visavis.train.suspects import check_labels

    if find_record_file(source):
        raise UsageError("--suspects looks at photos, which a RecordIO file does not have.")
    labeled = read_labeled_photos(source, exclude=exclude)
    with Output("photo", "person", "suspicion", json=json) as output:
        check = check_labels(labeled, Recognizer(detector=detector), aligned=aligned, progress=output.progress)
        print_suspects(check, output, json=json and bool(check.suspects))
    if check.suspects:
        permissions.make_folder(out)
        write_page(check, out / "suspects.html")
        note("nothing was trained: correct these labels, or train with them by leaving out --suspects.")
        raise typer.Exit(1)


def _plain(value: object) -> object:
    return value.value if isinstance(value, StrEnum) else value


def _print_plan(plan: Plan) -> None:
    for sentence in (*plan.notes, describe_plan(plan)):
        note(sentence)


def describe_plan(plan: Plan) -> str:
    """Return what a run will do, as a sentence."""
    return (
        f"{plan.pictures:,} photos of {plan.people:,} people to learn from, {plan.held_out:,} held out; "
        f"{plan.parameters:,} parameters; {plan.epochs:,} epochs of {plan.steps // plan.epochs:,} steps, "
        f"about {_format_time(plan.seconds)}; {plan.memory / 2**20:,.0f} MiB."
    )


def _format_time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _print_epoch(epoch: Epoch, output: Output, *, json: bool) -> None:
    if json:
        output.answer(
            {name: significant(value) if isinstance(value, float) else value for name, value in epoch.row().items()}
        )
        return
    if epoch.epoch == 1:
        typer.echo(COLUMNS)
    held_out = epoch.tar if epoch.accuracy is None else epoch.accuracy
    typer.echo(
        f"{epoch.epoch:>5} {epoch.loss:>9.4g} {short(epoch.active, '.0%'):>7} {epoch.positive:>12.3f} "
        f"{epoch.negative:>7.3f} {epoch.spread:>7.3f} {short(held_out, '.3f'):>9} {epoch.pictures_a_second:>9.0f}"
    )


def _print_end(run: NetworkRun, output: Output, *, json: bool) -> None:
    if run.illness is not None:
        note(f"stopped: {run.illness}")
    if run.interrupted:
        note(f"interrupted after epoch {len(run.epochs)}: go on with --resume.")
        raise typer.Exit(INTERRUPTED)
    if run.row is None:
        raise typer.Exit(1)
    if json:
        output.answer({"model": run.row.name, "run": str(run.folder), "epochs": len(run.epochs)})
    else:
        note(f"the model is {run.folder} (in galleries {run.row.name}); its report is {run.folder / 'report.html'}.")
