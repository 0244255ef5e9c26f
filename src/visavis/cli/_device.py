"""The option ``--device``, which every command has that runs networks."""

from __future__ import annotations

import os
from typing import Any

from typer.core import TyperOption


def take_device(command: Any) -> None:
    """Give ``--device`` to a command that runs networks, as ``--threads`` shows, or to the commands of a group."""
    for below in getattr(command, "commands", {}).values():
        take_device(below)
    names = [parameter.name for parameter in command.params]
    if "threads" in names:
        command.params.insert(names.index("threads") + 1, _option())


def _option() -> TyperOption:
    return TyperOption(
        param_decls=["--device"],
        type=str,
        metavar="NAME",
        help="Where networks run: cpu, cuda, openvino, coreml or auto.",
        show_default="VISAVIS_DEVICE, else cpu",
        expose_value=False,
        callback=_use,
    )


def _use(_context: Any, _parameter: Any, device: str | None) -> None:
    """Check the name, and pass it on to this process and those it starts."""
    if device is not None:
        from visavis import devices

        devices.wanted(device)
        os.environ[devices.VARIABLE] = device
