"""Serve deepface's own API as its container does, with generated weights: python serve_deepface.py PORT.

Its weights cannot be had without its hosts; the networks are built as it builds them, and keep the values with which
Keras initializes them. So its answers mean nothing, and only time is compared.
"""

from __future__ import annotations

import os
import sys

from deepface.commons import weight_utils

weight_utils.download_weights_if_necessary = lambda file_name, *rest, **options: file_name
weight_utils.load_model_weights = lambda model, weight_file: model

from deepface.api.src.app import create_app  # noqa: E402
from gunicorn.app.base import BaseApplication  # noqa: E402


class Server(BaseApplication):
    """Gunicorn with the settings of deepface's container: one worker, which answers one request after another."""

    def load_config(self) -> None:
        """Set what deepface's container sets."""
        self.cfg.set("bind", f"127.0.0.1:{sys.argv[1]}")
        self.cfg.set("workers", int(os.environ.get("WORKERS", "1")))
        self.cfg.set("timeout", 7200)

    def load(self) -> object:
        """Return the application of deepface."""
        return create_app()


if __name__ == "__main__":
    Server().run()
