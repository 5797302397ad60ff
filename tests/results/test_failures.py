"""Faults of one kind are told together."""

from almbench.results.failures import Fault, together


def test_reasons_that_differ_in_numbers_and_names_are_told_once() -> None:
    faults = [
        Fault("talk", f"a_clip_{end}", "ours", f"'a clip {end}.npz' is {40 + i} long, not 9.5")
        for i, end in enumerate("abcde")
    ]
    faults.append(Fault("talk", "a_clip_a", "ours", "a clip a.npz is empty"))
    faults.append(Fault("music", "a_clip_a", "ours", "'a clip a.npz' is 40 long, not 9.5"))
    assert together(faults) == [
        "talk/a_clip_a, a_clip_b, a_clip_c and 2 more by ours, the first: 'a clip a.npz' is 40 "
        "long, not 9.5",
        "talk/a_clip_a by ours: a clip a.npz is empty",
        "music/a_clip_a by ours: 'a clip a.npz' is 40 long, not 9.5",
    ]


def test_clips_below_folders_go_by_the_name_of_their_file() -> None:
    faults = [Fault("talk", f"{at}__x.y", "ours", "x.y.wav is empty") for at in "ab"]
    faults += [Fault("talk", "c__z", "ours", "z.wav is empty")]
    assert together(faults) == ["talk/a__x.y, b__x.y, c__z by ours, the first: x.y.wav is empty"]


def test_what_fails_alike_by_several_codecs_is_told_once() -> None:
    faults = [Fault("talk", clip, codec, "original: empty") for clip in "ab" for codec in "xy"]
    assert together(faults) == ["talk/a, b by 2 codecs: original: empty"]
    assert together([]) == []
