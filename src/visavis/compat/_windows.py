"""Scripts that show windows by OpenCV, where the OpenCV that is installed has none (opencv-python-headless)."""

from __future__ import annotations

import linecache
import sys
import traceback
from importlib import metadata

NO_WINDOWS = "The function is not implemented. Rebuild the library"
"""What every function of windows says (``imshow``, ``waitKey``, ``destroyAllWindows`` ...) in a build without them."""


def missing_function(error: BaseException) -> str:
    """Return the name of the function of OpenCV that failed for lack of windows; empty for any other error."""
    cv2 = sys.modules.get("cv2")
    if cv2 is None or not isinstance(error, cv2.error) or NO_WINDOWS not in str(error):
        return ""
    (*_, last) = traceback.extract_tb(error.__traceback__)
    called = [name for name in _names(cv2) if f"{name}(" in _failed_code(last)]
    # OpenCV's own name, cvShowImage, where the line of the script does not tell.
    return f"cv2.{called[0]}" if called else str(getattr(error, "func", "")) or "a function of OpenCV"


def _failed_code(frame: traceback.FrameSummary) -> str:
    """Return the part of the line that failed, such as one of several calls; the whole line where it is not known."""
    line = linecache.getline(frame.filename, frame.lineno or 0).encode()
    start, end = frame.colno, frame.end_colno
    if start is None or end is None or frame.end_lineno != frame.lineno:
        return line.decode()
    return line[start:end].decode(errors="replace")


def advice(function: str, error: BaseException) -> str:
    """Say in one sentence where the script stopped and which package to install."""
    (*_, last) = traceback.extract_tb(error.__traceback__)
    headless = _installed_headless()
    what = f"{headless} does not have" if headless else "this build of OpenCV does not have"
    remove = f"pip uninstall {headless}, then " if headless else ""
    package = (headless or "opencv-python-headless").removesuffix("-headless")
    return (
        f"{last.filename}, line {last.lineno}: {function} needs windows, which {what}: {remove}pip install {package}."
    )


def _installed_headless() -> str:
    for name in ("opencv-python-headless", "opencv-contrib-python-headless"):
        try:
            metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        return name
    return ""


def _names(cv2: object) -> list[str]:
    """Functions of OpenCV's window module that scripts call, the longest name first."""
    names = (
        "imshow", "waitKey", "waitKeyEx", "pollKey", "namedWindow", "destroyWindow", "destroyAllWindows", "moveWindow",
        "resizeWindow", "setWindowTitle", "setWindowProperty", "setMouseCallback", "selectROI", "selectROIs",
        "createTrackbar", "getTrackbarPos", "startWindowThread",
    )  # fmt: skip
    return sorted((name for name in names if hasattr(cv2, name)), key=len, reverse=True)
