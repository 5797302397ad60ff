from pathlib import Path
from typing import Any

import numpy as np
import pytest

from almbench.audio import write_flac
from almbench.codecs.reconstructions import Reconstructions
from almbench.codecs.registry import create
from almbench.errors import CodecError, UserError


def put(*paths: Path) -> None:
    for path in paths:
        write_flac(path, np.zeros(100), 16000)


def make(folder: Path, **options: Any) -> Reconstructions:
    codec = create("theirs", "Theirs", "reconstructions", {"path": str(folder), **options})
    assert isinstance(codec, Reconstructions)
    return codec


def test_files_are_found_by_stem_in_any_folder(tmp_path: Path) -> None:
    put(tmp_path / "a.flac", tmp_path / "deep/er/b.flac")
    (tmp_path / "notes.txt").write_text("no sound")
    codec = make(tmp_path)
    assert codec.find("a") == tmp_path / "a.flac"
    assert codec.find("b") == tmp_path / "deep/er/b.flac"
    with pytest.raises(CodecError, match=f"no file for notes in {tmp_path.name}"):
        codec.find("notes")


@pytest.mark.parametrize("name", ["x.wav", "x.WAV", "x.mp3", "x.opus", "x.y.ogg"])
def test_extensions_do_not_matter(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert make(tmp_path).find(Path(name).stem) == tmp_path / name


def test_a_path_in_the_id_chooses_among_like_stems(tmp_path: Path) -> None:
    put(tmp_path / "p1/001.flac", tmp_path / "p2/001.flac", tmp_path / "p2/002.flac")
    codec = make(tmp_path)
    assert codec.find("p1__001") == tmp_path / "p1/001.flac"
    assert codec.find("p2__001") == tmp_path / "p2/001.flac"
    with pytest.raises(CodecError) as caught:
        codec.find("001")
    assert "p1/001.flac and p2/001.flac" in str(caught.value)


def test_the_exact_path_wins_over_a_stem_below(tmp_path: Path) -> None:
    put(tmp_path / "001.flac", tmp_path / "old/001.flac")
    assert make(tmp_path).find("001") == tmp_path / "001.flac"


def test_two_formats_of_one_clip_are_ambiguous(tmp_path: Path) -> None:
    put(tmp_path / "a.flac")
    (tmp_path / "a.wav").touch()
    with pytest.raises(CodecError, match=r"more than one file for a: .*a\.flac and .*a\.wav"):
        make(tmp_path).find("a")


def test_names_are_made_safe_as_ids_are(tmp_path: Path) -> None:
    put(tmp_path / "Nr 1 (live).flac")
    assert make(tmp_path).find("Nr_1_live_") == tmp_path / "Nr 1 (live).flac"


def test_names_are_compared_composed(tmp_path: Path) -> None:
    put(tmp_path / "cafe\u0301.flac")
    assert make(tmp_path).find("caf\u00e9").is_file()
    assert make(tmp_path).find("cafe\u0301").is_file()


def test_of_names_that_differ_in_case_alone_the_same_is_taken(tmp_path: Path) -> None:
    put(tmp_path / "A.flac", tmp_path / "a.flac")
    assert make(tmp_path).find("a").name == "a.flac"
    assert make(tmp_path).find("A").name == "A.flac"


@pytest.mark.parametrize(
    ("match", "file"),
    [
        ("{clip}_recon", "p225_001_recon.flac"),
        ("{clip}_recon", "deep/p225_001_recon.flac"),
        ("rec-{clip}", "rec-p225_001.flac"),
        ("{clip}/decoded", "p225_001/decoded.flac"),
        ("{clip}/decoded", "all/p225_001/decoded.flac"),
        ("{clip}.[x]", "p225_001.[x].flac"),
    ],
)
def test_files_named_after_a_pattern(tmp_path: Path, match: str, file: str) -> None:
    put(tmp_path / file, tmp_path / "other.flac")
    codec = make(tmp_path, match=match)
    assert codec.find("p225_001") == tmp_path / file
    assert codec.surplus(["p225_001"]) == ["other.flac"]


@pytest.mark.parametrize("match", ["recon", "{clip}_{clip}", ""])
def test_a_pattern_has_the_clip_once(tmp_path: Path, match: str) -> None:
    put(tmp_path / "a.flac")
    with pytest.raises(UserError, match=r"must have \{clip\} once"):
        make(tmp_path, match=match)


def test_near_names_are_offered(tmp_path: Path) -> None:
    put(tmp_path / "p225_001_recon.flac", tmp_path / "x" / "harbor.flac")
    codec = make(tmp_path)
    with pytest.raises(CodecError) as caught:
        codec.find("p225_001")
    assert str(caught.value).endswith(
        "; near: p225_001_recon.flac (if that is it: --match '{clip}_recon')"
    )
    with pytest.raises(CodecError, match=r"near: x/harbor\.flac$"):
        codec.find("harbour")
    with pytest.raises(CodecError, match=f"no file for z in {tmp_path.name}$"):
        codec.find("z")


def test_what_is_hidden_is_no_reconstruction(tmp_path: Path) -> None:
    put(tmp_path / "a.flac", tmp_path / "._a.flac", tmp_path / ".ipynb_checkpoints" / "a.flac")
    assert make(tmp_path).find("a") == tmp_path / "a.flac"


def test_a_missing_or_empty_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"Codec 'theirs': the folder {tmp_path}/no does not exist"):
        make(tmp_path / "no")
    with pytest.raises(UserError, match=f"no sound files in {tmp_path}"):
        make(tmp_path)


def test_the_nominal_bitrate_is_stated_or_computed(tmp_path: Path) -> None:
    put(tmp_path / "a.flac")
    assert make(tmp_path).spec.nominal_kbps is None
    assert make(tmp_path, bitrate=400).spec.nominal_kbps == 0.4
    spec = make(tmp_path, frame_rate=75, codebook_sizes=[1024, 1024]).spec
    assert spec.nominal_kbps == 1.5
    assert spec.tokens_per_second == 150
    assert spec.family == "theirs"
    assert make(tmp_path, family="dac", license="MIT", sample_rate=16000).spec.family == "dac"
    make(tmp_path).fetch(network=False)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bitrate": 1500, "frame_rate": 75, "codebook_sizes": [1024]}, "not both"),
        ({"codebook_sizes": [1024]}, "need frame_rate"),
        ({"codebook_sizes": [1024, 1], "frame_rate": 75}, r"codebook_sizes\[1\] = 1"),
        ({"bitrate": 0}, "bitrate = 0"),
        ({"bit_rate": 1500}, "Did you mean 'bitrate'"),
    ],
)
def test_wrong_options_are_explained(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    put(tmp_path / "a.flac")
    with pytest.raises(UserError, match=words):
        make(tmp_path, **options)
