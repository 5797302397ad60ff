import os
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from almbench.errors import UserError
from almbench.files import counted
from almbench.suite.config import TestSetConfig
from almbench.suite.testsets import Clip, Selection, exists, find_clips


def sound(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    sf.write(path, np.zeros(160), 16_000)
    return path


def text(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def selected(path: Path | str, layout: str = "auto") -> Selection:
    config = {"name": "t", "domain": "speech", "path": str(path), "layout": layout}
    return find_clips(TestSetConfig.model_validate(config), seed=1)


def left_out(path: Path | str, layout: str = "auto") -> dict[str, list[str]]:
    """Reason -> names of what is left out."""
    return dict(counted(selected(path, layout).omitted))


def clips(path: Path | str, layout: str = "auto", limit: int | None = None) -> list[Clip]:
    config = {"name": "t", "domain": "speech", "path": str(path), "layout": layout, "limit": limit}
    return find_clips(TestSetConfig.model_validate(config), seed=1).clips


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


def test_clips_that_would_share_an_id_get_a_digest_each(tmp_path: Path) -> None:
    for name in ("a b.wav", "a?b.wav", "B.wav", "b.wav", "c.wav", "c.flac", "d.wav"):
        sound(tmp_path / name)
    found = {clip.path.name: clip.id for clip in clips(tmp_path)}
    assert found["d.wav"] == "d"
    assert len({id_.casefold() for id_ in found.values()}) == 7  # also where case does not count
    assert re.fullmatch("a_b-[0-9a-f]{8}", found["a b.wav"])
    assert re.fullmatch("B-[0-9a-f]{8}", found["B.wav"])
    assert re.fullmatch("c-[0-9a-f]{8}", found["c.flac"])
    assert found == {clip.path.name: clip.id for clip in clips(tmp_path)}


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
    assert found[0] == Clip("__x", tmp_path / "s/a.wav", "anna", "Good, morning", "anna", "../x")


def test_a_manifest_without_paths_is_refused(tmp_path: Path) -> None:
    text(tmp_path / "list.csv", "id,file\n1,a.wav\n")
    with pytest.raises(UserError, match=r"list\.csv has no column 'path'; it has: id, file"):
        clips(tmp_path / "list.csv")
    for separator in ";\t|":
        text(tmp_path / "list.csv", f"path{separator}id\na.wav{separator}1\n")
        with pytest.raises(UserError, match=r"separate the columns by commas\.$"):
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
    assert clip.labels == {"recording": "1089_134686"}


def test_librispeech(tmp_path: Path) -> None:
    folder = tmp_path / "test-clean/1089/134686"
    sound(folder / "1089-134686-0000.flac")
    text(folder / "1089-134686.trans.txt", "1089-134686-0000 HE HOPED\n1089-134686-0001 GONE\n")
    (clip,) = clips(tmp_path)
    assert (clip.id, clip.speaker, clip.text) == ("1089-134686-0000", "1089", "HE HOPED")
    assert clip.labels == {"recording": "1089-134686"}


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


def test_what_a_layout_leaves_out_is_named(tmp_path: Path) -> None:
    chapter = tmp_path / "libri" / "1089" / "134686"
    for name in ("1089-134686-0000.flac", "1089-134686-0007.flac"):
        sound(chapter / name)
    transcript = "1089-134686-0000 HE HOPED\n1089-134686-0001 GONE\n"
    text(chapter / "1089-134686.trans.txt", transcript)
    (chapter / "._1089-134686.trans.txt").write_bytes(b"\0\x05\x16\x07\xb0")  # by macOS
    assert left_out(tmp_path / "libri") == {
        "hidden": ["1089/134686/._1089-134686.trans.txt"],
        "not in a transcript": ["1089/134686/1089-134686-0007.flac"],
        "line of a transcript without its sound": ["1089-134686-0001"],
    }
    found = selected(tmp_path / "libri")
    assert (len(found.clips), found.files, found.others) == (1, 2, {".txt": 1})


def test_what_esc_50_leaves_out_is_named(tmp_path: Path) -> None:
    for name in ("audio/1-137-A-32.wav", "audio/mine.wav", "audio/._1-137-A-32.wav"):
        sound(tmp_path / name)
    text(
        tmp_path / "meta/esc50.csv",
        "filename,category,src_file\n1-137-A-32.wav,dog,137\n1-9-B-1.wav,rooster,9\n",
    )
    assert left_out(tmp_path) == {
        "hidden": ["audio/._1-137-A-32.wav"],
        "row of esc50.csv without its file": ["1-9-B-1.wav"],
        "not in esc50.csv": ["audio/mine.wav"],
    }


def test_musiccaps_by_any_name_that_has_the_id(tmp_path: Path) -> None:
    table = "ytid,caption\n-0Aa1-bB2c3,drums\n-0SdEfGhIjk,flute\nabcdefghijk,song\n"
    text(tmp_path / "musiccaps-public.csv", table + "00000000000,gone\n")
    (tmp_path / "._musiccaps-public.csv").write_bytes(b"\0\x05\x16\x07\xb0")
    for name in (
        "[-0Aa1-bB2c3]-[30-40].wav", "Some Title [-0SdEfGhIjk].m4a", "A song-abcdefghijk.wav",
        "other.wav",
    ):  # fmt: skip
        (tmp_path / name).touch()
    found = {clip.text: clip.path.name[:5] for clip in clips(tmp_path)}
    assert found == {"drums": "[-0Aa", "flute": "Some ", "song": "A son"}
    assert left_out(tmp_path) == {
        "hidden": ["._musiccaps-public.csv"],
        "not in musiccaps-public.csv": ["other.wav"],
        "row of musiccaps-public.csv without its file": ["00000000000"],
    }
    (tmp_path / "musiccaps-public.csv").unlink()
    with pytest.raises(UserError, match="has no MusicCaps table"):
        clips(tmp_path, "musiccaps")


def test_the_second_microphone_of_vctk_is_no_other_clip(tmp_path: Path) -> None:
    for name in ("p225_001_mic1", "p225_001_mic2", "p225_002_mic2", "s5_001_mic1", "s5_001_mic2"):
        sound(tmp_path / "flat" / f"{name}.flac")
        sound(tmp_path / "vctk" / "wav48_silence_trimmed" / name[:4] / f"{name}.flac")
    flat = [clip.id for clip in clips(tmp_path / "flat")]
    assert flat == ["p225_001_mic1", "p225_002_mic2", "s5_001_mic1"]
    assert left_out(tmp_path / "flat") == {
        "second microphone": ["p225_001_mic2.flac", "s5_001_mic2.flac"]
    }
    assert [clip.id for clip in clips(tmp_path / "vctk")] == ["p225_001", "s5_001"]
    assert len(left_out(tmp_path / "vctk")["second microphone"]) == 3


def test_a_glob_names_its_clips_below_its_fixed_part(tmp_path: Path) -> None:
    for name in ("A - One/mixture.wav", "A - One/drums.wav", "B - Two/mixture.wav"):
        sound(tmp_path / "test" / name)
    sound(tmp_path / "test" / "__MACOSX" / "mixture.wav")
    found = [clip.id for clip in clips(f"{tmp_path}/test/*/mixture.wav")]
    assert found == ["A_-_One__mixture", "B_-_Two__mixture"]
    assert left_out(f"{tmp_path}/test/*/mixture.wav") == {"hidden": ["__MACOSX/mixture.wav"]}
    (tmp_path / "test" / "C").symlink_to(tmp_path / "test" / "A - One")
    again = left_out(f"{tmp_path}/test/**/mixture.wav")
    assert again["link to what is read already"] == ["C/mixture.wav"]


def test_texts_are_decoration_in_whatever_encoding(tmp_path: Path) -> None:
    for name, content in (
        ("a", "Grüße".encode("latin-1")), ("b", b"\xef\xbb\xbfmit BOM"),
        ("c", "sechzehn".encode("utf-16")),
    ):  # fmt: skip
        path = sound(tmp_path / f"{name}.wav")
        path.with_suffix(".normalized.txt").write_bytes(content)
    (sound(tmp_path / "d.wav").with_suffix(".normalized.txt")).mkdir()
    found = selected(tmp_path)
    assert [clip.text for clip in found.clips] == ["Grüße", "mit BOM", "sechzehn", ""]
    assert found.remarks == ["a.normalized.txt is not UTF-8 and was read as Latin-1"]


def test_a_csv_manifest_in_latin_1_is_read_and_that_is_said(tmp_path: Path) -> None:
    sound(tmp_path / "a.wav")
    (tmp_path / "list.csv").write_bytes("path,text\na.wav,Grüße\n".encode("latin-1"))
    found = selected(tmp_path / "list.csv")
    assert found.clips[0].text == "Grüße"
    assert found.remarks == ["list.csv is not UTF-8 and was read as Latin-1"]


def test_a_csv_manifest_with_like_stems_takes_their_paths(tmp_path: Path) -> None:
    for name in ("x/1.wav", "y/1.wav", "y/2.wav"):
        sound(tmp_path / name)
    text(tmp_path / "list.csv", "path\nx/1.wav\ny/1.wav\ny/2.wav\n")
    assert [clip.id for clip in clips(tmp_path / "list.csv")] == ["2", "x__1", "y__1"]
    text(tmp_path / "list.csv", "id,path\na,x/1.wav\na,y/1.wav\n")
    with pytest.raises(UserError, match=r"list\.csv gives the id 'a' twice"):
        clips(tmp_path / "list.csv")
    text(tmp_path / "list.csv", "path\nx/1.wav\nx/1.wav\n")
    with pytest.raises(UserError, match=r"list\.csv lists 'x/1' twice"):
        clips(tmp_path / "list.csv")


def test_a_table_s_rows_of_another_domain_are_counted(tmp_path: Path) -> None:
    sound(tmp_path / "a.wav")
    text(tmp_path / "list.csv", "path,domain\na.wav,speech\nb.wav,music\n")
    assert left_out(tmp_path / "list.csv") == {"row of another domain": ["b.wav"]}
    assert selected(tmp_path / "list.csv").files == 1


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_names_that_are_not_utf_8_or_not_composed(tmp_path: Path) -> None:
    sound(tmp_path / "cafe\u0301.wav")  # as macOS writes it
    sound(tmp_path / "x.wav").rename(os.fsdecode(os.fsencode(tmp_path) + b"/na\xefve.wav"))
    assert [clip.id for clip in clips(tmp_path)] == ["café", "naïve"]


def test_a_csv_manifest_of_windows_is_read_elsewhere_too(tmp_path: Path) -> None:
    for name in ("x/1.wav", "y/1.wav", r"y/3\4.wav"):
        sound(tmp_path / name)
    text(tmp_path / "list.csv", "path\nx\\1.wav\ny\\1.wav\ny/3\\4.wav\n")
    found = clips(tmp_path / "list.csv")
    assert [clip.id for clip in found] == ["3__4", "x__1", "y__1"]
    assert all(clip.path.is_file() for clip in found)


def test_ids_of_absolute_paths_with_like_stems_name_no_folder_above(tmp_path: Path) -> None:
    for name in ("home/me/x/1.wav", "home/me/y/1.wav"):
        sound(tmp_path / name)
    rows = "\n".join(str(tmp_path / "home/me" / name) for name in ("x/1.wav", "y/1.wav"))
    text(tmp_path / "list.csv", f"path\n{rows}\n")
    assert [clip.id for clip in clips(tmp_path / "list.csv")] == ["x__1", "y__1"]
