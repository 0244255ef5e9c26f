"""Page of a trained classifier: accuracy, people, confusions, calibration, strangers, and the wrong photos."""

from __future__ import annotations

from pathlib import Path

from visavis.evaluate.report import svg
from visavis.evaluate.report.page import Cell, Figure, Page, Picture, Section, Table, Words, percent
from visavis.evaluate.report.thumbnails import face_picture
from visavis.train.classifier_fit import HeadScore
from visavis.train.classifier_measures import Measures, PersonRates
from visavis.train.classifier_report import ClassifierReport, WrongPhoto
from visavis.train.heads import find_head

MATRIX_PEOPLE = 30
"""Most people whose confusion matrix is drawn."""
LISTED_PEOPLE = 200
SHOWN_PHOTOS = 60

WORDS = {
    "Accuracy": "Share of the test photos whose likeliest person is right, without the rule for unknown faces.",
    "Top 5": "Share of the test photos whose person is among the five likeliest.",
    "Macro F1": "Mean over people of the harmonic mean of precision and recall: rare people weigh as much as others.",
    "Calibration error (ECE)": "Mean difference between the probability of an answer and the share of right answers.",
    "Stranger": "A person that the classifier was not trained on; such a face should stay unknown.",
    "95 % interval": "Where the figure would lie, 19 times in 20, for other photos like these.",
}


def page(report: ClassifierReport) -> Page:
    """Return the page of one run; reads the wrong photos to show their faces."""
    measures = report.measures
    sections = [Section("Summary", tables=[Table(_list_summary(report), ["", "Figure"])]), _describe_unknown(report)]
    if measures is not None:
        sections += [
            _describe_people(measures),
            *_draw_confusion(measures),
            _describe_calibration(measures),
            _show_wrong(report),
        ]
    sections.append(_describe_heads(report))
    if report.notes:
        sections.append(
            Section("Notes", tables=[Table([[str(n), Words(text)] for n, text in enumerate(report.notes, 1)])])
        )
    return Page(
        f"Classifier of {report.people:,} people",
        f"Who is it? {find_head(report.chosen).title} on {report.features} ({report.model});",
        sections,
        WORDS,
    )


def _list_summary(report: ClassifierReport) -> list[list[Cell]]:
    measures = report.measures
    rows: list[list[Cell]] = [
        ["Chosen head", find_head(report.chosen).title],
        ["People", f"{report.people:,}"],
        ["Training photos", f"{report.train_photos:,}"],
        ["Test photos", f"{report.test_photos:,}"],
        ["Split", report.split],
        ["Rare people balanced", Words(report.balancing or "no")],
    ]
    if measures is not None:
        rows += [
            ["Accuracy", percent(measures.accuracy, measures.accuracy_interval)],
            ["Right", f"{measures.right:,} of {measures.photos:,}"],
            ["Top 5", percent(measures.top5)],
            ["Macro F1", f"{measures.macro_f1:.4f}"],
            ["Calibration error (ECE)", f"{measures.ece:.4f}"],
        ]
    return rows


def _describe_unknown(report: ClassifierReport) -> Section:
    rule, measured = report.rule, report.rule.measured
    bound = "probability of at least" if rule.kind == "probability" else "distance of at most"
    rows: list[list[Cell]] = [["Rule", Words(f"named at a {bound} {rule.threshold:.4f}: {rule.basis}")]]
    if measured is not None:
        rows += [
            [
                "Strangers named",
                f"{percent(measured.rate, measured.rate_interval)}: {measured.named:,} of {measured.strangers:,}",
            ],
            ["Own photos named", f"{percent(measured.kept_share)}: {measured.kept:,} of {measured.own:,}"],
        ]
    if report.test_photos:
        rows.append(
            ["Test photos named", f"{report.named:,} of {report.test_photos:,}, {report.named_rightly:,} rightly"]
        )
    if report.strangers:
        rows.append(["Test photos of strangers named", f"{report.strangers_named:,} of {report.strangers:,}"])
    return Section(
        "Unknown faces", f"At most {rule.fpir:.2%} of strangers should be given a name.", tables=[Table(rows)]
    )


def _describe_people(measures: Measures) -> Section:
    heads = ["Person", "Train", "Test", "Right", "Recall", "Precision", "F1", "Mistaken for"]
    people = sorted(measures.people, key=lambda person: (person.f1 is None, person.f1 or 0.0, person.name))
    text = "The worst first."
    if len(people) > LISTED_PEOPLE:
        text += f" {LISTED_PEOPLE} of {len(people):,} people."
    return Section("People", text, tables=[Table([_list_person(person) for person in people[:LISTED_PEOPLE]], heads)])


def _list_person(person: PersonRates) -> list[Cell]:
    f1 = "–" if person.f1 is None else f"{person.f1:.3f}"
    mistakes = ", ".join(f"{name} {count}" for name, count in person.mistaken_for)
    counts = [f"{count:,}" for count in (person.train, person.test, person.right)]
    return [person.name, *counts, percent(person.recall), percent(person.precision), f1, Words(mistakes)]


def _draw_confusion(measures: Measures) -> list[Section]:
    if len(measures.people) > MATRIX_PEOPLE:
        return []
    heads = ["Person, shown as", *(str(number) for number in range(1, len(measures.people) + 1))]
    rows: list[list[Cell]] = [
        [f"{number} {person.name}", *(str(count) if count else "·" for count in counts)]
        for number, (person, counts) in enumerate(zip(measures.people, measures.confusion().tolist(), strict=True), 1)
    ]
    return [Section("Confusion matrix", "Row: the person; column: the name given.", tables=[Table(rows, heads)])]


def _describe_calibration(measures: Measures) -> Section:
    rows: list[list[Cell]] = [
        [f"{part.low:.1f} to {part.high:.1f}", f"{part.photos:,}", percent(part.probability), percent(part.accuracy)]
        for part in measures.reliability
    ]
    frame = svg.PlotFrame(svg.linear("Probability, %", 0.0, 100.0), svg.linear("Right answers, %", 0.0, 100.0))
    ends = [0.0, 100.0]
    parts = [svg.polyline(frame, ends, ends, series=4, tips=["", ""])]
    points = [[100 * part.probability, 100 * part.accuracy] for part in measures.reliability]
    tips = [
        f"{part.photos:,} photos: {part.probability:.1%} stated, {part.accuracy:.1%} right"
        for part in measures.reliability
    ]
    x, y = zip(*points, strict=True)
    parts.append(svg.polyline(frame, x, y, series=0, tips=tips))
    keys = [svg.Key("as stated", 4), svg.Key("measured", 0)]
    drawn = svg.figure(frame, parts, label="Right answers against the probability", keys=keys)
    return Section(
        "Calibration of the probabilities",
        f"Expected calibration error {measures.ece:.4f}, on {measures.photos:,} test photos.",
        [Figure(drawn, "On the diagonal, probabilities are true.")],
        [Table(rows, ["Probability", "Photos", "Mean", "Right"])],
    )


def _show_wrong(report: ClassifierReport) -> Section:
    shown = report.wrong[:SHOWN_PHOTOS]
    text = f"{len(report.wrong):,} of {report.test_photos:,}, the surest first. Look first whether the label is right."
    return Section("Wrong photos", text, pictures=[_show_photo(photo) for photo in shown])


def _show_photo(photo: WrongPhoto) -> Picture:
    remark = "named" if photo.accepted else "unknown by the rule"
    lines = [f"{photo.person}, taken for {photo.named}", f"{photo.probability:.1%}, {remark}", Path(photo.photo).name]
    return Picture(face_picture(photo.photo, photo.box), lines)


def _describe_heads(report: ClassifierReport) -> Section:
    heads = ["Head", "Accuracy", "Right", "Log loss", "Seconds", "Remark"]
    rows = [_list_score(score, chosen=score.name == report.chosen) for score in report.scores]
    text = "Cross-validation on the training photos alone; test photos took no part in the choice."
    return Section("Choice of the head", text, tables=[Table(rows, heads)])


def _list_score(score: HeadScore, *, chosen: bool) -> list[Cell]:
    remark = Words(score.reason or ("chosen" if chosen else ""))
    if not score.photos:
        return [find_head(score.name).title, "–", "–", "–", "–", remark]
    figures = [
        percent(score.accuracy),
        f"{score.right:,} of {score.photos:,}",
        f"{score.log_loss:.4f}",
        f"{score.seconds:.2f}",
    ]
    return [find_head(score.name).title, *figures, remark]
