"""Rows of models of one's own: what is read, what is refused in one sentence, and how they are kept."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import numpy_helper

from embedders import tiny_models as own
from visavis.errors import UsageError, VisavisError, WeightsError
from visavis.weights import model_row, user_models
from visavis.weights.model_row import ModelRow, arcface_points, read_row
from visavis.weights.readers.onnx_outline import external_files


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "cache"))


def kept(path: Path) -> ModelRow:
    row = user_models.pin_row(read_row(path), path.parent)
    return user_models.keep(row, path.parent / row.file)


def told(folder: Path, text: str) -> ModelRow:
    path = folder / "one.toml"
    path.write_text(text, encoding="utf-8")
    return read_row(path)


# Rows


def test_a_row_as_it_is_documented(tmp_path: Path) -> None:
    """The example in the docstring of the module that reads it."""
    example = (model_row.__doc__ or "").partition("::\n\n")[2].replace('sha256 = "..."', f'sha256 = "{"ab" * 32}"')
    assert told(tmp_path, re.sub("^    ", "", example, flags=re.MULTILINE)) == ModelRow(
        name="mobilefacenet",
        file="mobilefacenet.onnx",
        sha256="ab" * 32,
        license="MIT",
        trained_on="MS1M",
        size=112,
        channels="RGB",
        layout="NCHW",
        mean=(127.5, 127.5, 127.5),
        scale=1 / 128,
        points=arcface_points(112),
        crop="points",
        margin=0.0,
        output="output",
        dimension=128,
    )


def test_arcfaces_points_grow_with_the_crop() -> None:
    """InsightFace's norm_crop: 224 is twice 112; 128 shows 8 pixels more at either side."""
    first = (arcface_points(112) or ())[0]
    assert first == (38.2946, 51.6963)
    assert (arcface_points(224) or ())[0] == pytest.approx((76.5892, 103.3926))
    assert (arcface_points(128) or ())[0] == pytest.approx((46.2946, 51.6963))
    assert (arcface_points(256) or ())[0] == pytest.approx((92.5892, 103.3926))
    assert arcface_points(160) is None


WRONG: dict[str, tuple[dict[str, object], str]] = {
    "no name": ({"name": None}, "name is missing"),
    "a path": ({"name": "../../own"}, "name must be of a-z, 0-9, dots, hyphens and underscores, got '../../own'"),
    "views": ({"name": "own@2"}, "name must be of a-z"),
    "hidden": ({"name": ".own"}, "name must be of a-z"),
    "capitals": ({"name": "Own"}, "name must be of a-z"),
    "long": ({"name": "a" * 65}, "name must be of a-z"),
    "no license": ({"license": None}, "license is missing"),
    "empty license": ({"license": " "}, "license says nothing"),
    "lines": ({"trained_on": "a\nb"}, "trained_on must be a line of text"),
    "no file": ({"file": 3}, "file must be a line of text"),
    **{
        f"file {number}": ({"file": path}, f"file must be a file below the folder of this row, got {path!r}")
        for number, path in enumerate(
            ("../own.onnx", "a/../../own.onnx", "/etc/passwd", "..", "..\\own.onnx", "C:own.onnx", "\\own.onnx")
        )
    },
    "hash": ({"sha256": "abc"}, "sha256 must be 64 digits"),
    "size": ({"input_size": 0}, "input.size must be a whole number from 8 to 1024, got 0"),
    "true": ({"input_size": True}, "input.size must be a whole number"),
    "colors": ({"input_channels": "rgb"}, "input.channels must be RGB or BGR, got 'rgb'"),
    "layout": ({"input_layout": "NCWH"}, "input.layout must be NCHW or NHWC"),
    "mean": ({"input_mean": 127.5}, "input.mean must be 3 numbers, got 127.5"),
    "two means": ({"input_mean": [1, 2]}, "input.mean must be 3 numbers, got [1, 2]"),
    "words": ({"input_mean": [1, 2, "x"]}, "input.mean must be a number up to a million, got 'x'"),
    "scale": ({"input_scale": 0}, "input.scale is 0"),
    "no scale": ({"input_scale": None}, "input.scale is missing"),
    "unknown": ({"input_sise": 3}, "input.sise is no key of a model's row"),
    "no face": ({"face_crop": None}, "[face] must tell one of template, points and crop"),
    "both": ({"face_template": "arcface-112"}, "[face] must tell one of template, points and crop"),
    "crop": ({"face_crop": "oval"}, "face.crop must be box or middle or stretched, got 'oval'"),
    "margin": ({"face_margin": -1}, "face.margin must lie between -1 and 4, and be 0 for stretched boxes, got -1"),
    "stretched": ({"face_crop": "stretched", "face_margin": 0.2}, "face.margin must lie between -1 and 4, and be 0"),
    "template": ({"face_crop": None, "face_template": "dlib"}, "face.template must be arcface-112"),
    "template size": (
        {"face_crop": None, "face_template": "arcface-112"},
        "face.template is for sizes that are multiples of 112 or 128, not for 16",
    ),
    "four points": ({"face_crop": None, "face_points": [[1, 2]] * 4}, "face.points must be five pairs of numbers"),
    "one place": ({"face_crop": None, "face_points": [[1, 2]] * 5}, "face.points must be five different places"),
    "no pairs": ({"face_crop": None, "face_points": [1, 2, 3, 4, 5]}, "face.points must be 2 numbers, got 1"),
    "far away": ({"face_crop": None, "face_points": [[1, n] for n in range(4)] + [[900, 2]]}, "near the crop"),
    "dimension": ({"output_dimension": 1}, "output.dimension must be a whole number from 2 to 65536, got 1"),
    "metric": ({"output_metric": "l2"}, "output.metric must be cosine, got 'l2'"),
    "output": ({"output_index": 0, "output_name": "y"}, "output.index and output.name exclude each other"),
    "precision": ({"precision": "int4"}, "precision must be float32 or int8"),
    "table": ({"input": 3}, ""),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_row_that_means_nothing_is_refused_in_one_sentence(case: str, tmp_path: Path) -> None:
    changed, said = WRONG[case]
    text = own.row(**changed) if case != "table" else 'name = "own"\nfile = "x"\ninput = 3\n'
    with pytest.raises(UsageError, match=re.escape(said or "input must be a table, [input]")) as caught:
        told(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / "one.toml"))
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"name = ", "is not TOML: "),
        (b"\xff\xfe", "is not TOML: it is not text."),
        (b"a = " + b"[" * 5000, "is not TOML: "),
        (b"#" * 100_001, "is no row of a model: it has more than 100,000 bytes."),
        (b"", "input is missing."),
        (b"[input]\nsize = 1e999\n", "face is missing."),
    ],
)
def test_what_is_no_row_is_refused(data: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_bytes(data)
    with pytest.raises(UsageError, match=re.escape(said)):
        read_row(tmp_path / "one.toml")


def test_a_row_in_british_spelling_is_read(tmp_path: Path) -> None:
    """Model files that were written before said ``licence``."""
    path = own.write(tmp_path)
    text = path.read_text(encoding="utf-8")
    assert "\nlicense = " in text
    path.write_text(text.replace("\nlicense = ", "\nlicence = "), encoding="utf-8")
    assert read_row(path).license == "MIT"


@pytest.mark.parametrize("path", ["../k.bin", "/k.bin", "a/../../k.bin", "..\\k.bin", "C:k.bin", "."])
def test_a_row_names_no_weights_outside_its_folder(path: str, tmp_path: Path) -> None:
    text = f'{own.row()}[data]\n{json.dumps(path)} = "{"ab" * 32}"\n'
    with pytest.raises(UsageError, match=r"data\..* must be a file below the model's own folder\.$"):
        told(tmp_path, text)


def test_numbers_without_end_are_refused(tmp_path: Path) -> None:
    for number in ("inf", "nan", "-inf", "1e999"):
        text = own.row(input_scale=None).replace("[face]", f"scale = {number}\n[face]")
        with pytest.raises(UsageError, match=r"input\.scale must be a number up to a million"):
            told(tmp_path, text)


TEXTS = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=30).filter(
    lambda text: text.strip() and text.isprintable()
)


FILES = TEXTS.filter(model_row.is_inside)


@given(TEXTS, FILES, st.floats(-1e6, 1e6).filter(bool), st.sampled_from([None, "points"]), st.integers(0, 9) | TEXTS)
def test_what_is_written_is_what_was_read(
    license: str, file: str, scale: float, cut: str | None, output: int | str
) -> None:
    row = ModelRow(
        name="own", file=file, sha256="0f" * 32, license=license, trained_on=license, size=112, channels="BGR",
        layout="NHWC", mean=(1.5, -2.0, scale), scale=scale,
        points=arcface_points(112) if cut else None, crop="points" if cut else "middle",
        margin=0.0 if cut else 0.25, output=output, dimension=7, views=2, precision="int8", quantized_from="other",
        data=(("weights.bin", "ab" * 32), ("x y.bin", "cd" * 32)),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        assert told(Path(folder), row.text()) == row


# Keeping


def test_what_is_imported_is_kept_with_its_hash(tmp_path: Path) -> None:
    path = own.write(tmp_path)
    row = kept(path)
    digest = hashlib.sha256((tmp_path / "own.onnx").read_bytes()).hexdigest()
    assert row == replace(read_row(path), sha256=digest)
    assert user_models.names() == ["own"]
    assert user_models.row("own") == row
    (tmp_path / "own.onnx").unlink()
    assert hashlib.sha256(user_models.network(row).read_bytes()).hexdigest() == digest
    assert user_models.models_dir() == tmp_path / "cache" / "models"
    assert sorted(each.name for each in user_models.models_dir().iterdir()) == ["own"]


def test_a_name_stands_for_one_file(tmp_path: Path) -> None:
    row = kept(own.write(tmp_path / "a"))
    assert kept(own.write(tmp_path / "b")) == row  # the same again
    with pytest.raises(UsageError, match="another model is called own already: change the name, or delete "):
        kept(own.write(tmp_path / "c", input_scale=2))
    with pytest.raises(UsageError, match="another model is called own already"):
        kept(own.write(tmp_path / "d", own.network((*own.MEANS[:1], ("Flatten", ["mean"], "f"), ("Neg", ["f"], "y")))))
    assert user_models.row("own") == row


def test_a_hash_that_is_told_is_held(tmp_path: Path) -> None:
    path = own.write(tmp_path)
    digest = hashlib.sha256((tmp_path / "own.onnx").read_bytes()).hexdigest()
    assert kept(own.write(tmp_path, sha256=digest.upper())).sha256 == digest
    with pytest.raises(UsageError, match=f"its SHA-256 is {digest}, not {'0' * 64}"):
        user_models.pin_row(read_row(own.write(tmp_path, sha256="0" * 64)), path.parent)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    path = own.write(tmp_path, file="other.onnx")
    with pytest.raises(UsageError, match=r"there is no file .*other\.onnx"):
        user_models.pin_row(read_row(path), tmp_path)


def test_a_link_to_a_file_elsewhere_is_refused(tmp_path: Path) -> None:
    path = own.write(tmp_path / "own")
    (tmp_path / "own" / "own.onnx").rename(tmp_path / "elsewhere.onnx")
    (tmp_path / "own" / "own.onnx").symlink_to(tmp_path / "elsewhere.onnx")
    with pytest.raises(UsageError, match=r"own\.onnx is a link out of its folder: copy the file there\.$"):
        user_models.pin_row(read_row(path), path.parent)


@pytest.mark.parametrize("harm", ["changed", "gone", "row"])
def test_a_kept_model_that_was_damaged_is_told_of(harm: str, tmp_path: Path) -> None:
    row = kept(own.write(tmp_path))
    path = user_models.network(row)
    if harm == "gone":
        path.unlink()
    elif harm == "changed":
        path.write_bytes(path.read_bytes()[:-1] + b"x")
    else:
        (path.parents[1] / "model.toml").write_text("name = 3", encoding="utf-8")
    with pytest.raises(WeightsError, match="import the model again"):
        user_models.network(user_models.row("own"))
    assert user_models.names() == ["own"]


def test_what_is_no_model_is_passed_over(tmp_path: Path) -> None:
    kept(own.write(tmp_path))
    for name in (".left", "half", "Own", "a@2"):
        (user_models.models_dir() / name).mkdir()
    (user_models.models_dir() / "file").write_text("", encoding="utf-8")
    assert user_models.names() == ["own"]
    assert [user_models.has(name) for name in ("own", "half", "../models/own", "", "own/")] == [True, *[False] * 4]


IMPORTER = """
import os, shutil, sys
from pathlib import Path
from visavis.weights import user_models
from visavis.weights.model_row import read_row

def killed(*_): os.kill(os.getpid(), 9)
if sys.argv[2] == "copy": shutil.copyfile = killed
if sys.argv[2] == "rename": Path.replace = killed
path = Path(sys.argv[1])
user_models.keep(user_models.pin_row(read_row(path), path.parent), path.with_name("own.onnx"))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is of POSIX")
@pytest.mark.parametrize("moment", ["copy", "rename"])
def test_killed_on_the_way_nothing_is_there_and_the_next_try_succeeds(moment: str, tmp_path: Path) -> None:
    path = own.write(tmp_path)
    done = subprocess.run([sys.executable, "-c", IMPORTER, str(path), moment], check=False, timeout=60)
    assert done.returncode == -9
    assert user_models.names() == []
    assert kept(path).name == "own"


def test_two_processes_import_one_model(tmp_path: Path) -> None:
    path = own.write(tmp_path)
    command = [sys.executable, "-c", IMPORTER, str(path), "-"]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    said = [one.communicate(timeout=60)[1] for one in running]
    assert ([one.returncode for one in running], said) == ([0] * 4, [""] * 4)
    assert user_models.names() == ["own"]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    path = own.write(tmp_path)
    (tmp_path / "cache").write_text("a file", encoding="utf-8")
    with pytest.raises(WeightsError, match=r"the model cannot be kept in .*: .*; name another by VISAVIS_CACHE"):
        kept(path)


# Weights in other files


def with_data(folder: Path, location: str) -> Path:
    """A model whose factor lies in the file ``location``."""
    nodes = (("GlobalAveragePool", ["x"], "m"), ("Flatten", ["m"], "f"), ("Mul", ["f", "k"], "y"))
    model = own.network(nodes, constants={"k": np.array([1, 2, 3], np.float32)})
    path = own.write(folder, model)
    tensor = model.graph.initializer[0]
    (folder / "k.bin").write_bytes(numpy_helper.to_array(tensor).tobytes())
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.append(onnx.StringStringEntryProto(key="location", value=location))
    (folder / "own.onnx").write_bytes(model.SerializeToString())
    return path


def test_weights_in_a_file_beside_are_kept_too(tmp_path: Path) -> None:
    path = with_data(tmp_path, "k.bin")
    assert external_files(tmp_path / "own.onnx") == ("k.bin",)
    row = kept(path)
    assert row.data == (("k.bin", hashlib.sha256((tmp_path / "k.bin").read_bytes()).hexdigest()),)
    beside = user_models.network(row).with_name("k.bin")
    assert beside.read_bytes() == (tmp_path / "k.bin").read_bytes()
    beside.write_bytes(b"other weights")
    with pytest.raises(WeightsError, match=r"k\.bin is not the file that was imported"):
        user_models.network(row)


@pytest.mark.parametrize(
    "location", ["../k.bin", "/etc/hostname", "", "sub/../../k.bin", "link.bin", ".", "../own/k.bin"]
)
def test_weights_outside_the_folder_are_refused(location: str, tmp_path: Path) -> None:
    (tmp_path / "k.bin").write_bytes(bytes(12))
    folder = tmp_path / "own"
    path = with_data(folder, location)
    (folder / "link.bin").symlink_to(tmp_path / "k.bin")
    with pytest.raises(UsageError, match="which is outside its own folder: that is refused"):
        kept(path)
    assert user_models.names() == []


def test_weights_that_are_missing(tmp_path: Path) -> None:
    path = with_data(tmp_path, "other.bin")
    with pytest.raises(UsageError, match=r"reads its weights from other\.bin, which is not beside it"):
        kept(path)


def test_weights_are_found_wherever_the_format_allows_them(tmp_path: Path) -> None:
    """In an attribute, in a branch, in a sparse tensor, in a function."""

    def tensor(name: str) -> onnx.TensorProto:
        return onnx.TensorProto(
            data_location=onnx.TensorProto.EXTERNAL,
            external_data=[onnx.StringStringEntryProto(key="location", value=name)],
        )

    branch = onnx.GraphProto(initializer=[tensor("branch")])
    constant = onnx.NodeProto(op_type="Constant", attribute=[onnx.AttributeProto(name="value", t=tensor("attribute"))])
    condition = onnx.NodeProto(op_type="If", attribute=[onnx.AttributeProto(name="then_branch", g=branch)])
    lists = onnx.NodeProto(
        attribute=[
            onnx.AttributeProto(tensors=[tensor("tensors")], graphs=[onnx.GraphProto(node=[constant])]),
            onnx.AttributeProto(sparse_tensor=onnx.SparseTensorProto(values=tensor("sparse"), indices=tensor("at"))),
        ]
    )
    sparse = onnx.SparseTensorProto(values=tensor("values"))
    function = onnx.FunctionProto(node=[onnx.NodeProto(attribute=[onnx.AttributeProto(t=tensor("function"))])])
    graph = onnx.GraphProto(node=[condition, lists], sparse_initializer=[sparse], initializer=[tensor("plain")])
    model = onnx.ModelProto(graph=graph, functions=[function])
    (tmp_path / "x.onnx").write_bytes(model.SerializeToString())
    expected = {"branch", "attribute", "tensors", "sparse", "at", "values", "function", "plain"}
    assert set(external_files(tmp_path / "x.onnx")) == expected


def test_graphs_within_graphs_without_end_are_refused(tmp_path: Path) -> None:
    graph = onnx.GraphProto(name="last")
    for _ in range(25):
        node = onnx.NodeProto(op_type="If", attribute=[onnx.AttributeProto(name="then_branch", g=graph)])
        graph = onnx.GraphProto(node=[node])
    (tmp_path / "x.onnx").write_bytes(onnx.ModelProto(graph=graph).SerializeToString())
    with pytest.raises(VisavisError, match="graphs within graphs without end"):
        external_files(tmp_path / "x.onnx")
