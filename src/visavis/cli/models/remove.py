"""models remove: remove models of the user's own."""

from __future__ import annotations

from visavis.cli._options import GALLERY, GalleryUrl, Json
from visavis.cli._output import Output, note
from visavis.cli.models._arguments import Names
from visavis.errors import UsageError, VisavisError


def remove(names: Names, gallery: GalleryUrl = GALLERY, json: Json = False) -> None:
    """Remove models of your own.

    Deletes their files, and their embeddings stored by evaluations. Models of visavis itself cannot be removed. A
    gallery keeps the embeddings of a removed model; a note says so if --gallery has any.
    """
    from visavis.embedding_cache.photo_cache import forget
    from visavis.weights import user_models

    for name in names:
        _refuse_published(name)
    with Output("removed", "folder", json=json) as output:
        for name in names:
            folder = user_models.remove(name)
            forget(name)
            if _is_model_of(gallery, name):
                note(
                    f"{gallery} holds embeddings of {name}: until that model is imported again, no photo can be "
                    "enrolled or identified there."
                )
            output.answer({"removed": name, "path": str(folder)}, [name, str(folder)])


def _refuse_published(name: str) -> None:
    from visavis.embedders import EMBEDDERS
    from visavis.weights import user_models
    from visavis.weights.spec import all_specs
    from visavis.weights.store import locate

    if user_models.has(name):
        return
    row = next((row for row in all_specs() if row.name == name), None)
    path = locate(row) if row else None
    if row or name in EMBEDDERS.built_in():
        place = f"; its file is {path}" if path else ""
        raise UsageError(f"{name} is a model of visavis, not one of your own, and cannot be removed{place}.")


def _is_model_of(url: str, name: str) -> bool:
    """Return whether the gallery exists and has embeddings of the model."""
    from visavis.gallery import Gallery

    try:
        with Gallery(url, create=False) as store:
            return store.model.partition("@")[0] == name
    except VisavisError:
        return False
