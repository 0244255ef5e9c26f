"""embed: compute the embeddings of all faces in photos and write them to one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from visavis.cli._csv import BOX_COLUMNS
from visavis.cli._face_lines import make_face_lines
from visavis.cli._files import writable_file
from visavis.cli._networks import EMBEDDING, Networks, takes
from visavis.cli._options import Csv, Json, Photos
from visavis.cli._output import Output, exit_code
from visavis.cli._sources import Exclude, expand_folders

EMBED_CSV = ("photo", "status", "captured", "face", *BOX_COLUMNS, "score", "row", "notes", "message")


@takes(EMBEDDING)
def embed(
    sources: Photos,
    *,
    exclude: Exclude = None,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="A .npz or a .parquet file.")],
    networks: Networks,
    json: Json = False,
    csv: Csv = False,
) -> None:
    """Compute embeddings of all faces and write them to one file.

    Writes one row per face: photo (n,), box (n, 4), score (n,), embedding (n, d). Embeddings have length 1; embeddings
    of two models cannot be compared.
    """
    from visavis.cli._embedding_file import ENDINGS, FaceTable

    photos = expand_folders(sources, exclude=exclude)
    table = FaceTable(writable_file(out, endings=ENDINGS))
    recognizer = networks.recognizer()
    statuses = []
    with Output("photo", "face", "box", "score", "row", json=json, csv=EMBED_CSV if csv else None) as output:
        for photo in output.progress(recognizer.represent(photos, min_face=networks.min_face), len(photos)):
            statuses.append(photo.status)
            output.answer(*make_face_lines(photo, "row", table.add(photo)))
    code = exit_code(statuses, yes="ok" in statuses)
    if code != 2:
        table.write(dimension=recognizer.embedder.dimension)
    raise typer.Exit(code)
