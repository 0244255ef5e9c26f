from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from hashlib import sha256
from pathlib import Path
from threading import Timer

import numpy as np
import pytest

from evaluate.tiny_photos import (
    DETECTOR,
    MIN_FACE,
    MODEL,
    CountingColors,
    album,
    assert_same,
    child,
    draw,
    loaded,
    recognizer,
    seen,
)
from least_time import measure_least
from visavis.embedding_cache import model_key, photo_cache
from visavis.embedding_cache.photo_cache import CachedPhoto, EmbeddingCache
from visavis.evaluate.data import templates
from visavis.evaluate.data.templates import GROUP_PHOTOS, Templates, take
from visavis.pipeline import Recognizer
from visavis.types import Face, Quality


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, for this test and the processes it starts."""
    monkeypatch.setenv("VISAVIS_CACHE", str(tmp_path / "cache"))
    model_key._digest_code.cache_clear()  # the code may have been edited since, and other processes read it anew
    seen.clear()
    return tmp_path / "cache"


def plain(photos: list[str]) -> Templates:
    return take(photos, recognizer(), min_face=MIN_FACE)


def with_memory(photos: list[str], *, notes: int = 0) -> Templates:
    one = recognizer()
    with EmbeddingCache(one, min_face=MIN_FACE) as cache:
        taken = take(photos, one, min_face=MIN_FACE, cache=cache)
    assert len(cache.notes) == notes, cache.notes
    return taken


def the_file(cache_folder: Path) -> Path:
    (path,) = (cache_folder / "embeddings").glob("*.db")
    return path


def rows(cache_folder: Path) -> int:
    with closing(sqlite3.connect(the_file(cache_folder))) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
        (count,) = connection.execute("select count(*) from photos").fetchone()
    return int(count)


def made_up(seed: int, *, faces: int, dimension: int = 5) -> CachedPhoto:
    draws = np.random.default_rng(seed)
    return CachedPhoto(
        int(draws.integers(1, 9000)),
        int(draws.integers(1, 9000)),
        tuple(
            Face(draws.normal(size=4).astype(np.float32), float(draws.random()), draws.normal(size=(5, 2)).astype("f4"))
            for _ in range(faces)
        ),
        tuple(Quality(*draws.random(photo_cache.PARTS).tolist()) for _ in range(faces)),
        draws.normal(size=(faces, dimension)).astype(np.float32),
    )


# ---------------------------------------------------------------------------------------------- what is cached


def test_everything_found_comes_back_to_the_last_bit() -> None:
    found = {sha256(bytes([n])).hexdigest(): made_up(n, faces=n % 4) for n in range(40)}
    with EmbeddingCache(recognizer(), min_face=MIN_FACE) as cache:
        cache.keep(found)
        assert cache.recall(["0" * 64]) == {}
    with EmbeddingCache(recognizer(), min_face=MIN_FACE) as cache:
        back = cache.recall([*found, "0" * 64])
        assert cache.notes == []
    assert back.keys() == found.keys()
    for key, one in found.items():
        other = back[key]
        assert (other.width, other.height, other.quality) == (one.width, one.height, one.quality)
        assert [face.score for face in other.faces] == [face.score for face in one.faces]
        for a, b in zip(one.faces, other.faces, strict=True):
            assert a.box.tobytes() + a.landmarks.tobytes() == b.box.tobytes() + b.landmarks.tobytes()
        assert other.embeddings.dtype == np.float32
        assert other.embeddings.shape == one.embeddings.shape
        assert other.embeddings.tobytes() == one.embeddings.tobytes()


def test_more_hashes_than_one_statement_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_cache, "HASHES_PER_QUERY", 3)
    found = {f"{n:064}": made_up(n, faces=1) for n in range(10)}
    with EmbeddingCache(recognizer(), min_face=MIN_FACE) as cache:
        cache.keep(found)
        assert cache.recall(found).keys() == found.keys()


def test_a_second_run_computes_nothing_and_loads_nothing(tmp_path: Path) -> None:
    photos = album(tmp_path / "photos", 150)
    expected = plain(photos)
    assert_same(with_memory(photos), expected)
    seen.clear()
    one = recognizer()
    with EmbeddingCache(one, min_face=MIN_FACE) as cache:
        assert_same(take(photos, one, min_face=MIN_FACE, cache=cache), expected)
        assert cache.notes == []
    assert seen == []
    assert loaded(one) == set()


def test_only_what_is_new_is_computed(tmp_path: Path) -> None:
    photos = album(tmp_path / "photos", 100)
    with_memory(photos[20:60])
    seen.clear()
    assert_same(with_memory(photos), plain(photos))
    assert seen.count("detect") == 60 + 100  # with a cache, and without


def test_the_content_counts_and_not_the_name(tmp_path: Path) -> None:
    photo, other = draw(tmp_path / "a.png", 1), str(tmp_path / "elsewhere" / "b.png")
    first = with_memory([photo])
    Path(other).parent.mkdir()
    shutil.move(photo, other)
    seen.clear()
    np.testing.assert_array_equal(with_memory([other]).embeddings, first.embeddings)
    assert seen == []
    facts = Path(other).stat()
    draw(Path(photo), 300)
    os.utime(photo, ns=(facts.st_atime_ns, facts.st_mtime_ns))  # nobody can tell by name and time
    changed = with_memory([photo])
    assert seen == ["detect", "embed"]
    assert abs(changed.embeddings - first.embeddings).max() > 0.1


def test_photos_that_could_not_be_read_are_tried_again(tmp_path: Path) -> None:
    """A library that reads them may have been installed meanwhile."""
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    missing = tmp_path / "missing.png"
    photos = [str(broken), str(missing), draw(tmp_path / "a.png", 1)]
    assert with_memory(photos).status == ("unreadable", "missing", "ok")
    draw(broken, 2)
    draw(missing, 4)
    assert_same(with_memory(photos), plain(photos))


# ------------------------------------------------------------------------------------------------------ model keys


def test_what_one_model_found_is_never_taken_for_another(tmp_path: Path, cache_folder: Path) -> None:
    """Another min_face finds other faces in the very same photos."""
    photos = album(tmp_path / "photos", 10)
    for min_face in (MIN_FACE, 12):
        one = recognizer()
        with EmbeddingCache(one, min_face=min_face) as cache:
            taken = take(photos, one, min_face=min_face, cache=cache)
        assert_same(taken, take(photos, recognizer(), min_face=min_face))
    assert len(list((cache_folder / "embeddings").glob("*.db"))) == 2
    assert plain(photos).has_template.sum() > take(photos, recognizer(), min_face=12).has_template.sum()


def test_each_key_has_its_file_and_the_file_its_key(tmp_path: Path, cache_folder: Path) -> None:
    photos = album(tmp_path / "photos", 10)
    with_memory(photos)
    with EmbeddingCache(recognizer(), min_face=12) as cache:
        other = cache.path
    shutil.copy(the_file_of(MIN_FACE), other)
    with EmbeddingCache(recognizer(), min_face=12) as cache:
        assert cache.recall(hashes(photos)) == {}
        assert len(cache.notes) == 1
    with closing(sqlite3.connect(the_file_of(MIN_FACE))) as connection:
        ((text,),) = connection.execute("select text from key").fetchall()
    told = json.loads(text.partition(" ")[2])
    assert (told["detector"], told["model"], told["min_face"]) == (DETECTOR, MODEL, MIN_FACE)


def the_file_of(min_face: float) -> Path:
    with EmbeddingCache(recognizer(), min_face=min_face) as cache:
        return cache.path


def hashes(photos: list[str]) -> list[str]:
    return [sha256(Path(photo).read_bytes()).hexdigest() for photo in photos]


def test_of_models_given_as_objects_nothing_is_remembered(tmp_path: Path, cache_folder: Path) -> None:
    """An embedder of the same name may have been made with other options."""
    photos = album(tmp_path / "photos", 5)
    one = Recognizer(detector=DETECTOR, embedder=CountingColors())
    with EmbeddingCache(one, min_face=MIN_FACE) as cache:
        assert_same(take(photos, one, min_face=MIN_FACE, cache=cache), plain(photos))
        assert cache.recall(hashes(photos)) == {}
    assert cache.notes == ["nothing is remembered of models that are given as objects: give registered names."]
    assert not cache_folder.exists()


def test_the_key_that_was_used_longest_ago_makes_room(cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_cache, "KEPT_FILES", 3)
    paths = []
    for n, min_face in enumerate([10, 11, 12, 10, 13]):
        paths.append(the_file_of(min_face))
        os.utime(paths[-1], (n, n))
    assert sorted((cache_folder / "embeddings").glob("*.db")) == sorted([paths[2], paths[0], paths[4]])


# ------------------------------------------------------------------------------------------------- what goes wrong


def garbage(path: Path) -> None:
    path.write_bytes(b"no database at all " * 1000)


def cut_short(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def other_tables(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("create table photos (name text); create table key (word text);")


def one_bit_of_a_embedding(path: Path) -> None:
    """SQLite does not notice this, and a wrong embedding looks like any other."""
    data = bytearray(path.read_bytes())
    with closing(sqlite3.connect(path)) as connection:
        (numbers,) = connection.execute("select numbers from photos where faces > 0").fetchone()
    data[data.index(numbers) + len(numbers) - 2] ^= 1
    path.write_bytes(data)


def another_type(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("update photos set numbers = 'text'")
        connection.commit()


@pytest.mark.parametrize("harm", [garbage, cut_short, other_tables, one_bit_of_a_embedding, another_type])
def test_a_damaged_file_is_made_anew(tmp_path: Path, cache_folder: Path, harm: object) -> None:
    photos = album(tmp_path / "photos", 80)
    expected = with_memory(photos)
    assert callable(harm)
    harm(the_file(cache_folder))
    one = recognizer()
    with EmbeddingCache(one, min_face=MIN_FACE) as cache:
        assert_same(take(photos, one, min_face=MIN_FACE, cache=cache), expected)
    assert cache.notes == [f"{the_file(cache_folder)} was damaged: it is made anew."]
    assert_same(with_memory(photos), expected)  # without a note again
    assert rows(cache_folder) > 0


def test_an_empty_file_is_a_new_one(tmp_path: Path, cache_folder: Path) -> None:
    photos = album(tmp_path / "photos", 5)
    with_memory(photos)
    the_file(cache_folder).write_bytes(b"")
    assert_same(with_memory(photos), plain(photos))
    assert rows(cache_folder) == 5


def test_a_cache_that_cannot_be_written_is_told_once_and_stops_nothing(tmp_path: Path, cache_folder: Path) -> None:
    photos = album(tmp_path / "photos", 150)
    cache_folder.write_bytes(b"a file where a folder should be")
    assert_same(with_memory(photos, notes=1), plain(photos))
    with EmbeddingCache(recognizer(), min_face=MIN_FACE) as cache:
        cache.keep({"0" * 64: made_up(1, faces=1)})
        assert cache.recall(["0" * 64]) == {}
    (note,) = cache.notes
    assert note.startswith("what is found in photos is not remembered, ")
    assert note.endswith("cannot be used: Not a directory.") or sys.platform == "win32"


def test_a_folder_in_the_place_of_the_file(tmp_path: Path, cache_folder: Path) -> None:
    photos = album(tmp_path / "photos", 5)
    path = the_file_of(MIN_FACE)
    path.unlink()
    path.mkdir()
    assert_same(with_memory(photos, notes=1), plain(photos))
    assert path.is_dir()


def test_a_lock_that_is_never_given_up_stops_nothing(
    tmp_path: Path, cache_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_cache, "BUSY_SECONDS", 0.1)
    photos = album(tmp_path / "photos", 150)
    one = recognizer()
    with (
        EmbeddingCache(one, min_face=MIN_FACE) as cache,
        closing(sqlite3.connect(the_file(cache_folder), isolation_level=None)) as other,
    ):
        other.execute("begin immediate")
        assert_same(take(photos, one, min_face=MIN_FACE, cache=cache), plain(photos))
        other.execute("rollback")
    assert cache.notes == [
        f"what is found in photos is not remembered, {cache.path} cannot be used: database is locked."
    ]
    assert rows(cache_folder) == 0


def test_a_file_that_another_process_is_just_making_is_waited_for(tmp_path: Path) -> None:
    """SQLite itself gives up at once where it is to change to WAL and another has a lock."""
    path = the_file_of(MIN_FACE)
    path.unlink()
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("begin immediate")
        other.execute("create table key (text text not null)")
        later = Timer(0.3, other.execute, ["commit"])
        later.start()
        assert_same(with_memory(album(tmp_path / "photos", 5)), plain(album(tmp_path / "photos", 5)))
        later.join()


def test_damage_that_another_process_has_repaired_is_not_repaired_twice(tmp_path: Path, cache_folder: Path) -> None:
    """Or the second would delete what the first goes on to use."""
    photos = album(tmp_path / "photos", 10)
    with_memory(photos)
    one, other = recognizer(), recognizer()
    with EmbeddingCache(one, min_face=MIN_FACE) as first, EmbeddingCache(other, min_face=MIN_FACE) as second:
        with closing(sqlite3.connect(the_file(cache_folder))) as connection:
            connection.execute("update photos set checksum = checksum + 1")
            connection.commit()
        expected = plain(photos)
        assert_same(take(photos, one, min_face=MIN_FACE, cache=first), expected)
        kept = (the_file(cache_folder).stat().st_ino, len(first.notes))
        assert_same(take(photos, other, min_face=MIN_FACE, cache=second), expected)
        assert (the_file(cache_folder).stat().st_ino, len(second.notes)) == kept
    assert_same(with_memory(photos), expected)
    assert rows(cache_folder) == 10


# -------------------------------------------------------------------------------------------------- real processes


def finished(process: subprocess.Popen[str], photos: list[str], expected: Templates) -> None:
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    digest = sha256(expected.embeddings.tobytes()).hexdigest()
    assert out.splitlines() == [*map(str, range(1, len(photos) + 1)), f"done {digest} []"]


def assert_resumes(photos: list[str], cache_folder: Path, told: int, expected: Templates) -> None:
    """Only the group that was being computed is lost, and the rest goes on to the same bits."""
    kept = rows(cache_folder)
    assert kept % GROUP_PHOTOS == 0
    assert told - GROUP_PHOTOS <= kept < len(photos)
    seen.clear()
    assert_same(with_memory(photos), expected)
    assert seen.count("detect") == len(photos) - kept
    assert rows(cache_folder) == len(photos)


@pytest.mark.parametrize("round_number", range(3))
def test_kill_9_at_any_moment_loses_one_group_at_most(tmp_path: Path, cache_folder: Path, round_number: int) -> None:
    photos = album(tmp_path / "photos", 6 * GROUP_PHOTOS + 10)
    expected = plain(photos)
    reported = kill_at_random(tmp_path / "photos", round_number)
    while rows(cache_folder) == len(photos):  # on a busy machine it may be done before it is killed
        shutil.rmtree(cache_folder / "embeddings")
        reported = kill_at_random(tmp_path / "photos", round_number)
    assert_resumes(photos, cache_folder, reported, expected)


def kill_at_random(folder: Path, round_number: int) -> int:
    """Kill a process that computes templates after a few groups; return how many photos it reported."""
    reported = 0
    with child("take_process", folder) as process:
        assert process.stdout is not None
        for line in process.stdout:
            reported = int(line)
            if reported == random.randint(1, 5) * GROUP_PHOTOS + round_number - 1 or reported == 5 * GROUP_PHOTOS:
                break
        time.sleep(random.uniform(0, 0.01))
        process.send_signal(signal.SIGKILL)
    return reported


@pytest.mark.parametrize(
    ("statement", "number", "kept"),
    [("begin", 1, 0), ("begin", 2, 1), ("insert", 1, 0), ("insert", GROUP_PHOTOS + 9, 1), ("commit", 2, 1)],
)
def test_killed_in_the_middle_of_writing(
    tmp_path: Path, cache_folder: Path, statement: str, number: int, kept: int
) -> None:
    """Just before SQLite runs that statement: nothing of the transaction is there afterwards."""
    photos = album(tmp_path / "photos", 3 * GROUP_PHOTOS)
    expected = plain(photos)
    with child("take_process", tmp_path / "photos", statement, number) as process:
        out, _ = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    assert rows(cache_folder) == kept * GROUP_PHOTOS
    assert_resumes(photos, cache_folder, len(out.splitlines()), expected)


def test_two_processes_at_a_time(tmp_path: Path, cache_folder: Path) -> None:
    """Started together on no file at all, so they also race to make it."""
    photos = album(tmp_path / "photos", 3 * GROUP_PHOTOS)
    expected = plain(photos)
    with child("take_process", tmp_path / "photos") as one, child("take_process", tmp_path / "photos") as two:
        finished(one, photos, expected)
        finished(two, photos, expected)
    assert rows(cache_folder) == len(photos)
    seen.clear()
    assert_same(with_memory(photos), expected)
    assert seen == []


NETWORKS = """
import sys
from pathlib import Path
from visavis.embedding_cache.photo_cache import EmbeddingCache
from visavis.evaluate.data.templates import take
from visavis.pipeline import Recognizer
recognizer = Recognizer()
with EmbeddingCache(recognizer) as cache:
    taken = take(sorted(map(str, Path(sys.argv[1]).iterdir())), recognizer, cache=cache)
print(taken.has_template.sum(), cache.notes, sorted({"onnxruntime", "cv2", "PIL"} & sys.modules.keys()))
"""


def test_with_the_default_models_a_second_process_loads_no_library_of_networks(tmp_path: Path, data: Path) -> None:
    photos = sorted((data / "lfw" / "images").glob("*/*_0001.jpg"))[:3]
    if not photos:
        pytest.skip(f"{data} holds no LFW")
    for photo in photos:
        (tmp_path / "photos").mkdir(exist_ok=True)
        shutil.copy(photo, tmp_path / "photos")
    told = [
        subprocess.run(
            [sys.executable, "-c", NETWORKS, str(tmp_path / "photos")], capture_output=True, text=True, check=True
        ).stdout.strip()
        for _ in range(2)
    ]
    assert told == ["3 [] ['PIL', 'cv2', 'onnxruntime']", "3 [] []"]


@pytest.mark.slow
def test_five_thousand_photos_are_recalled_in_seconds(data: Path) -> None:
    photos = sorted(str(path) for path in (data / "lfw" / "images").rglob("*.jpg"))
    if not photos:
        pytest.skip(f"there is no LFW in {data}")
    recognizer = Recognizer()
    with EmbeddingCache(recognizer) as cache:
        made = {sha256(Path(photo).read_bytes()).hexdigest(): n for n, photo in enumerate(photos)}
        cache.keep({digest: made_up(n, faces=1, dimension=128) for digest, n in made.items()})
        recalled = take(photos, recognizer, cache=cache)
        recall = partial(take, photos, recognizer, cache=cache)
        assert measure_least(recall, bar=5, clock=time.perf_counter, seconds=60) < 5
        assert cache.notes == []
    assert vars(recognizer).keys() & {"detector", "embedder"} == set()  # no network was loaded
    last = made[sha256(Path(photos[-1]).read_bytes()).hexdigest()]
    assert np.array_equal(recalled.embeddings[-1], made_up(last, faces=1, dimension=128).embeddings[0])


def test_networks_too_go_on_to_the_same_bits(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What they make of a photo depends, in the last bits, on the photos that go through together with it."""
    photos = [str(path) for path in sorted((data / "lfw" / "images").glob("*/*_0001.jpg"))[:90:3]]
    if not photos:
        pytest.skip(f"{data} holds no LFW")
    monkeypatch.setattr(templates, "GROUP_PHOTOS", 20)
    one, other = Recognizer(), Recognizer()
    with EmbeddingCache(one) as cache:
        take(photos[:20], one, cache=cache)  # as a process does that is killed after its first group
        assert_same(take(photos, one, cache=cache), take(photos, other))
        assert len(cache.recall(hashes(photos))) == 30


def test_a_cache_used_from_a_second_thread_is_a_mistake_and_not_damage(tmp_path: Path, cache_folder: Path) -> None:
    with_memory(album(tmp_path / "photos", 5))
    with EmbeddingCache(recognizer(), min_face=MIN_FACE) as cache, ThreadPoolExecutor(1) as pool:
        with pytest.raises(sqlite3.ProgrammingError):
            pool.submit(cache.recall, ["0" * 64]).result()
        assert cache.notes == []
    assert rows(cache_folder) == 5
