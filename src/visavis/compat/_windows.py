"""Explain errors of scripts that open windows with a build of OpenCV that has none (opencv-python-headless)."""

from __future__ import annotations

import linecache
import sys
import traceback
from importlib import metadata

NO_WINDOWS = "The function is not implemented. Rebuild the library"
"""Error message of every window function (``imshow``, ``waitKey``, ``destroyAllWindows`` ...) in a build without."""


def missing_function(error: BaseException) -> str:
    """Return the name of the OpenCV function that failed for lack of windows; empty for any other error."""
    cv2 = sys.modules.get("cv2")
    if cv2 is None or not isinstance(error, cv2.error) or NO_WINDOWS not in str(error):
        return ""
    (*_, last) = traceback.extract_tb(error.__traceback__)
    called = [name for name in _list_functions(cv2) if f"{name}(" in _extract_failed_code(last)]
    # OpenCV's internal name, cvShowImage, if the line of the script does not contain the name.
    return f"cv2.{called[0]}" if called else str(getattr(error, "func", "")) or "a function of OpenCV"


def _extract_failed_code(frame: traceback.FrameSummary) -> str:
    """Return the part of the line that failed, such as one of several calls; the whole line if that is unknown."""
    line = linecache.getline(frame.filename, frame.lineno or 0).encode()
    start, end = frame.colno, frame.end_colno
    if start is None or end is None or frame.end_lineno != frame.lineno:
        return line.decode()
    return line[start:end].decode(errors="replace")


def advice(function: str, error: BaseException) -> str:
    """Return one sentence with the place where the script stopped and the package to install."""
    (*_, last) = traceback.extract_tb(error.__traceback__)
    headless = _find_headless()
    what = f"{headless} does not have" if headless else "this build of OpenCV does not have"
    remove = f"pip uninstall {headless}, then " if headless else ""
    package = (headless or "opencv-python-headless").removesuffix("-headless")
    return (
        f"{last.filename}, line {last.lineno}: {function} needs windows, which {what}: {remove}pip install {package}."
    )


def _find_headless() -> str:
    for name in ("opencv-python-headless", "opencv-contrib-python-headless"):
        try:
            metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        return name
    return ""


def _list_functions(cv2: object) -> list[str]:
    """Return the window functions of OpenCV that scripts call, the longest name first."""
    names = (
        "imshow", "waitKey", "waitKeyEx", "pollKey", "namedWindow", "destroyWindow", "destroyAllWindows", "moveWindow",
        "resizeWindow", "setWindowTitle", "setWindowProperty", "setMouseCallback", "selectROI", "selectROIs",
        "createTrackbar", "getTrackbarPos", "startWindowThread",
    )  # fmt: skip
    return sorted((name for name in names if hasattr(cv2, name)), key=len, reverse=True)
