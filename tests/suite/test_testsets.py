from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from almbench.errors import UserError
from almbench.suite.config import TestSetConfig
from almbench.suite.testsets import Clip, exists, find_clips


def sound(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, np.zeros(160), 16_000)
    return path


def text(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def clips(path: Path | str, layout: str = "auto", limit: int | None = None) -> list[Clip]:
    config = {"name": "t", "domain": "speech", "path": str(path), "layout": layout, "limit": limit}
    return find_clips(TestSetConfig.model_validate(config), seed=1)


def test_a_folder_gives_its_sounds_by_stem(tmp_path: Path) -> None:
    for name in ("b.wav", "deep/a c.flac", ".hidden.wav"):
        sound(tmp_path / name)
    text(tmp_path / "notes.txt", "no sound")
    assert [c.id for c in clips(tmp_path)] == ["a_c", "b"]


def test_a_flat_copy_of_esc_50_knows_which_clips_are_of_one_recording(tmp_path: Path) -> None:
    for name in ("1-100032-A", "1-100032-B", "1-17092-A-27", "2-100032-A"):
        sound(tmp_path / f"{name}.ogg")
    found = {clip.id: clip.cluster for clip in clips(tmp_path)}
    assert found == {
        "1-100032-A": "1-100032",
        "1-100032-B": "1-100032",
        "1-17092-A-27": "1-17092",
        "2-100032-A": "2-100032",
    }
    assert {clip.cluster for clip in clips(f"{tmp_path}/1-1*.ogg")} == {"1-100032", "1-17092"}
    sound(tmp_path / "bell.ogg")  # then it is no copy of ESC-50
    assert {clip.cluster for clip in clips(tmp_path)} == {""}


def test_repeated_stems_take_their_folders_along(tmp_path: Path) -> None:
    sound(tmp_path / "x" / "1.wav")
    sound(tmp_path / "y" / "1.wav")
    assert [c.id for c in clips(tmp_path)] == ["x__1", "y__1"]


def test_two_clips_that_would_share_an_id_are_named(tmp_path: Path) -> None:
    sound(tmp_path / "a b.wav")
    sound(tmp_path / "a?b.wav")
    with pytest.raises(UserError, match=r"a b\.wav and .*a\?b\.wav"):
        clips(tmp_path)


def test_a_glob_takes_what_matches(tmp_path: Path) -> None:
    for name in ("one/a.wav", "one/b.txt", "two/c.wav"):
        sound(tmp_path / name) if name.endswith("wav") else text(tmp_path / name, "")
    assert [c.id for c in clips(f"{tmp_path}/**/*")] == ["a", "c"]
    assert [c.id for c in clips(f"{tmp_path}/o*/*.wav")] == ["a"]


def test_a_manifest_says_which_clips_belong_together(tmp_path: Path) -> None:
    for name in "abc":
        sound(tmp_path / f"{name}.wav")
    text(
        tmp_path / "list.csv",
        "path,speaker,cluster\na.wav,anna,trial 1\nb.wav,anna,\nc.wav,,trial 1\n",
    )
    found = [(c.speaker, c.cluster) for c in clips(tmp_path / "list.csv")]
    assert found == [("anna", "trial 1"), ("anna", "anna"), ("", "trial 1")]


def test_a_manifest_says_what_is_what(tmp_path: Path) -> None:
    sound(tmp_path / "s" / "a.wav")
    text(
        tmp_path / "list.csv",
        "id,path,domain,speaker,text\n"
        '../x,s/a.wav,speech,anna,"Good, morning"\nm,s/m.wav,music,,\n,s/b.wav,,,\n',
    )
    found = clips(tmp_path / "list.csv")
    assert [c.id for c in found] == ["__x", "b"]
    assert found[0] == Clip("__x", tmp_path / "s/a.wav", "anna", "Good, morning", "anna")


def test_a_manifest_without_paths_is_refused(tmp_path: Path) -> None:
    text(tmp_path / "list.csv", "id,file\n1,a.wav\n")
    with pytest.raises(UserError, match=r"list\.csv has no column 'path'; it has: id, file"):
        clips(tmp_path / "list.csv")
    text(tmp_path / "empty.csv", "")
    with pytest.raises(UserError, match="not a readable CSV"):
        clips(tmp_path / "empty.csv")


def test_paths_that_are_not_there_or_hold_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        clips(tmp_path / "absent")
    with pytest.raises(UserError, match="no sound files"):
        clips(tmp_path)
    text(tmp_path / "file.txt", "")
    with pytest.raises(UserError, match="neither a folder nor a CSV"):
        clips(tmp_path / "file.txt")
    absent = TestSetConfig(name="t", domain="speech", path=str(tmp_path / "absent"))
    assert not exists(absent)


def test_a_limit_draws_the_same_clips_each_time(tmp_path: Path) -> None:
    for i in range(20):
        sound(tmp_path / f"{i:02}.wav")
    drawn = clips(tmp_path, limit=5)
    assert drawn == clips(tmp_path, limit=5)
    assert [c.id for c in drawn] != [f"{i:02}" for i in range(5)]
    assert len(clips(tmp_path, limit=50)) == 20


def test_vctk_0_92(tmp_path: Path) -> None:
    for mic in "12":
        sound(tmp_path / f"wav48_silence_trimmed/p225/p225_001_mic{mic}.flac")
    text(tmp_path / "txt/p225/p225_001.txt", "Please call Stella.\n")
    (clip,) = clips(tmp_path)
    assert (clip.id, clip.speaker, clip.text) == ("p225_001", "p225", "Please call Stella.")
    assert clip.path.name == "p225_001_mic1.flac"


def test_vctk_0_80(tmp_path: Path) -> None:
    sound(tmp_path / "wav48/p226/p226_002.wav")
    assert [(c.id, c.speaker) for c in clips(tmp_path)] == [("p226_002", "p226")]


def test_libritts(tmp_path: Path) -> None:
    path = sound(tmp_path / "test-clean/1089/134686/1089_134686_000001_000001.wav")
    text(path.with_suffix(".normalized.txt"), "He hoped.")
    (clip,) = clips(tmp_path)
    assert (clip.id, clip.speaker, clip.text) == (path.stem, "1089", "He hoped.")


def test_librispeech(tmp_path: Path) -> None:
    folder = tmp_path / "test-clean/1089/134686"
    sound(folder / "1089-134686-0000.flac")
    text(folder / "1089-134686.trans.txt", "1089-134686-0000 HE HOPED\n1089-134686-0001 GONE\n")
    (clip,) = clips(tmp_path)
    assert (clip.id, clip.speaker, clip.text) == ("1089-134686-0000", "1089", "HE HOPED")


def test_esc_50(tmp_path: Path) -> None:
    sound(tmp_path / "audio/1-137-A-32.wav")
    text(
        tmp_path / "meta/esc50.csv",
        "filename,fold,target,category,esc10,src_file,take\n"
        "1-137-A-32.wav,1,32,keyboard_typing,False,137,A\n"
        "1-9-B-1.wav,1,1,rooster,False,9,B\n",
    )
    (clip,) = clips(tmp_path)
    assert (clip.id, clip.speaker, clip.text) == ("1-137-A-32", "137", "keyboard typing")


def test_musiccaps(tmp_path: Path) -> None:
    text(tmp_path / "musiccaps-public.csv", 'ytid,start_s,caption\n-0Gj8-vB1q4,30,"Slow, sad."\n')
    sound(tmp_path / "wav/[-0Gj8-vB1q4]-[30-40].wav")
    sound(tmp_path / "wav/unlisted.wav")
    assert [c.text for c in clips(tmp_path)] == ["Slow, sad."]


def test_a_layout_can_be_told(tmp_path: Path) -> None:
    sound(tmp_path / "wav48/p226/p226_002.wav")
    sound(tmp_path / "extra.wav")
    assert len(clips(tmp_path, layout="folder")) == 2
    with pytest.raises(UserError, match=r"esc50\.csv does not exist"):
        clips(tmp_path, layout="esc-50")
