"""Calls about models: fetch, measure and evaluate them, train classifiers, read runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import quote

from visavis import defaults
from visavis.client._requests import GalleryRequests
from visavis.client.parse import parse
from visavis.server.types import Evaluation, Job, ServedClassifier, TrainingRun


class ModelCalls(GalleryRequests):
    """Methods of :class:`visavis.Client` about models, evaluations and training; they need an administrator's key."""

    def fetch_model(self, name: str, *, accept_license: bool = False) -> Job:
        """Queue a job that downloads a weight file to the server; UsageError where its license must be accepted."""
        order = {"accept_license": accept_license}
        return parse(Job, self._connection.send("POST", f"/models/{quote(name, safe='')}/fetch", json=order))

    def measure_models(self, models: Sequence[str], *, threads: int | None = None) -> Job:
        """Queue a job that measures the milliseconds per face of embedders on the server."""
        order = {"models": [*models], "threads": threads}
        return parse(Job, self._connection.send("POST", "/models/measure", json=order))

    def evaluate(
        self,
        kind: Literal["verification", "identification"] = "verification",
        *,
        folder: str | None = None,
        model: str = defaults.EMBEDDER,
    ) -> Job:
        """Queue a job that evaluates a model on a folder of the server; without one, on the people of the gallery.

        The evaluation has the id of the job. ``model`` embeds the photos of the folder.
        """
        order = {"kind": kind, "folder": folder, "model": model}
        return parse(Job, self._ask_gallery("POST", "/evaluations", json=order))

    def evaluations(self, *, limit: int = 100) -> list[Evaluation]:
        """Return the newest evaluations first."""
        listed = self._connection.send("GET", "/evaluations", params={"limit": limit})["evaluations"]
        return [parse(Evaluation, line) for line in listed]

    def evaluation(self, evaluation_id: str) -> Evaluation:
        """Return an evaluation; UnknownNameError if there is none of this id."""
        return parse(Evaluation, self._connection.send("GET", _path_of("evaluations", evaluation_id)))

    def evaluation_report(self, evaluation_id: str) -> str:
        """Return the report of an evaluation as a page of HTML."""
        return self._read_page(f"{_path_of('evaluations', evaluation_id)}/report")

    def remove_evaluation(self, evaluation_id: str) -> None:
        """Delete an evaluation and its report."""
        self._connection.send("DELETE", _path_of("evaluations", evaluation_id))

    def train_classifier(
        self,
        classifier: str,
        folder: str | None = None,
        *,
        model: str = defaults.EMBEDDER,
        head: str | None = None,
        fpir: float = defaults.FPIR,
    ) -> Job:
        """Queue a job that trains a classifier of the configuration on a folder of the server.

        Without ``folder`` it is trained on the people of the gallery. ``head`` and ``fpir`` are options of
        :class:`visavis.train.classifier.ClassifierOptions`; None: the best head.
        """
        order = {"classifier": classifier, "folder": folder, "model": model, "head": head, "fpir": fpir}
        return parse(Job, self._ask_gallery("POST", "/jobs/train", json=order))

    def classifiers(self) -> list[ServedClassifier]:
        """Return the classifiers of the server's configuration, without their reports."""
        listed: list[dict[str, Any]] = self._connection.send("GET", "/classifiers")["classifiers"]
        return [parse(ServedClassifier, line) for line in listed]

    def classifier(self, name: str) -> ServedClassifier:
        """Return a classifier with its report; UnknownNameError if the configuration has none of this name."""
        return parse(ServedClassifier, self._connection.send("GET", _path_of("classifiers", name)))

    def classifier_report(self, name: str) -> str:
        """Return the report of a classifier as a page of HTML."""
        return self._read_page(f"{_path_of('classifiers', name)}/report")

    def remove_classifier(self, name: str) -> None:
        """Delete a trained classifier and its reports."""
        self._connection.send("DELETE", _path_of("classifiers", name))

    def training_run(self, folder: str) -> TrainingRun:
        """Return a run of ``visavis train network`` in a folder of the server: its settings and epochs."""
        return parse(TrainingRun, self._connection.send("GET", "/training-runs", params={"folder": folder}))

    def _read_page(self, path: str) -> str:
        return bytes(self._connection.fetch("GET", path).content).decode()


def _path_of(kind: str, name: str) -> str:
    return f"/{kind}/{quote(name, safe='')}"
