"""Draw the picture of training.md: what three ways to choose triplets reach after the same number of steps.

Run ``python docs/images/training_pictures.py`` to write it beside this file, with ``--check`` to compare it. The
numbers are those of ``MEASURED``; ``--measure ORL`` trains the networks on that folder, and prints the numbers.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from visavis.evaluate.report import svg

HERE = Path(__file__).parent
NAME = "training-miners.svg"
SETTINGS = HERE.parent / "examples" / "orl.toml"
EPOCHS, EVERY = 20, 5
HELD_OUT = 10
STEPS_AN_EPOCH = 5
MEASURED = {
    "random": (0.649, 0.649, 0.844, 0.798, 0.809),
    "semi-hard": (0.649, 0.704, 0.818, 0.704, 0.700),
    "batch-hard": (0.649, 0.891, 0.878, 0.856, 0.856),
}
"""TAR at a FAR of 1e-2 on people s1 to s10 after the warm-up and after every fifth epoch, by miner."""
COLORS = ("#c2571a", "#1a7f5a", "#3a5fcd")
STYLE = (
    "text{font:12px sans-serif;fill:#444}.grid{stroke:#ccc}.label{font-weight:bold}"
    + "".join(f".s{number}{{color:{color}}}" for number, color in enumerate(COLORS))
    + "circle{fill:currentColor}polyline{fill:none}@media(prefers-color-scheme:dark){text{fill:#ccc}.grid{stroke:#555}}"
)


def draw() -> str:
    """Return the picture as SVG."""
    steps = [number * EVERY * STEPS_AN_EPOCH for number in range(EPOCHS // EVERY + 1)]
    frame = svg.PlotFrame(
        svg.linear("Steps after the warm-up", 0.0, float(steps[-1])), svg.linear("TAR at FAR 1e-2", 0.0, 1.0)
    )
    lines = [
        svg.polyline(frame, steps, values, series=series, tips=[f"{miner}: {value:.3f}" for value in values])
        for series, (miner, values) in enumerate(MEASURED.items())
    ]
    keys = [svg.Key(miner, series) for series, miner in enumerate(MEASURED)]
    drawn = svg.figure(frame, lines, label="TAR of people not seen in training, by steps", keys=keys)
    return drawn.replace(">", f"><style>{STYLE}</style>", 1) + "\n"


def measure(folder: Path) -> None:
    """Train on 30 people of ORL with each miner after the same warm-up, and print the TAR on the other ten."""
    import numpy as np

    from visavis.train.architectures import architecture, first_weights
    from visavis.train.config import read
    from visavis.train.crops import prepare
    from visavis.train.labeled_photos import read_labeled_photos
    from visavis.train.loop import TrainingLoop
    from visavis.train.validation_split import TrainingSplit

    crops = prepare(read_labeled_photos(folder, exclude=["README"]), size=32, aligned=True)
    held_out = crops.labels < HELD_OUT
    parts = TrainingSplit(np.flatnonzero(~held_out), np.flatnonzero(held_out), people=True)
    base = replace(read(SETTINGS), epochs=EPOCHS)
    first = first_weights(architecture(base.architecture).definition(base.dimension), side=crops.size, seed=base.seed)
    warm_up = replace(base, miner="semi-hard", optimizer=replace(base.optimizer, rate=1e-3))
    loop = TrainingLoop(crops, parts, warm_up, first)
    while loop.epoch < EPOCHS:
        loop.train_epoch()
    weights = loop.network.weights()
    for miner in MEASURED:
        loop = TrainingLoop(crops, parts, replace(base, miner=miner), weights)
        values = [loop.validate().tar]
        while loop.epoch < EPOCHS:
            epoch = loop.train_epoch()
            if epoch is not None and epoch.epoch % EVERY == 0:
                values.append(epoch.tar)
        print(f'    "{miner}": ({", ".join(f"{value:.3f}" for value in values if value is not None)}),')


def main() -> int:
    """Write the picture, compare it with the one that is kept, or measure anew."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if the picture differs")
    parser.add_argument("--measure", type=Path, metavar="ORL", help="train on this folder, and print the numbers")
    chosen = parser.parse_args()
    if chosen.measure is not None:
        measure(chosen.measure)
        return 0
    if not chosen.check:
        (HERE / NAME).write_text(draw(), encoding="utf-8")
        return 0
    if (HERE / NAME).read_text(encoding="utf-8") == draw():
        return 0
    print(f"drawn differently: {NAME}. Run {Path(__file__).name} and look at it.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
