"""Which clips go through which codecs, and which metrics score them."""

from pathlib import Path
from typing import Any

import pytest

from almbench.codecs.lowpass import Lowpass, LowpassOptions
from almbench.codecs.reconstructions import Reconstructions
from almbench.errors import Unavailable, UserError
from almbench.metrics.registry import default_metrics
from almbench.runner.plan import Plan, make_plan, select
from almbench.suite.config import CodecConfig, Suite


def suite(data: Path, **changes: Any) -> Suite:
    """Two test sets, three codecs, of which one is for speech only by its preset."""
    sets = [
        {"name": "talk", "domain": "speech", "path": str(data / "*.flac"), "limit": 2},
        {"name": "noise", "domain": "sound", "path": str(data / "*.flac"), "limit": 1},
    ]
    codecs = [{"id": "opus-6"}, {"id": "codec2-700"}, {"id": "mine", "adapter": "lowpass"}]
    codecs[2]["options"] = {"cutoff": 1000}  # type: ignore[assignment]
    given = {"name": "s", "seed": 2, "testset": sets, "codec": codecs, "metrics": {}}
    return Suite.model_validate(given | changes)


@pytest.fixture
def data(speech: list[Path]) -> Path:
    return speech[0].parent


def test_select_keeps_all_of_what_is_not_narrowed(data: Path) -> None:
    whole = suite(data)
    assert select(whole, [], [], []) == whole


def test_select_test_sets_in_the_suites_order(data: Path) -> None:
    assert [t.name for t in select(suite(data), [], ["noise", "talk"], []).testset] == [
        "talk",
        "noise",
    ]
    chosen = select(suite(data), [], ["noise"], [])
    assert [t.name for t in chosen.testset] == ["noise"]
    assert len(chosen.codec) == 3


def test_select_codecs_in_the_order_named_once_each(data: Path) -> None:
    chosen = select(suite(data), ["mp3-16", "mine", "mp3-16", "opus-6"], [], [])
    assert [c.id for c in chosen.codec] == ["mp3-16", "mine", "opus-6"]
    assert chosen.codec[1].options == {"cutoff": 1000}  # as the suite has it
    assert chosen.codec[0].adapter is None  # a built-in preset
    assert len(chosen.testset) == 2


def test_select_metrics_for_all_domains_in_place_of_a_test_sets_own(data: Path) -> None:
    whole = suite(data, metrics={"speech": ["stoi"]})
    whole.testset[1].metrics = ["mel_distance"]
    chosen = select(whole, [], ["noise"], ["gain_db", "lag_ms"])
    assert chosen.metrics == {
        "speech": ["gain_db", "lag_ms"], "sound": ["gain_db", "lag_ms"],
        "music": ["gain_db", "lag_ms"],
    }  # fmt: skip
    assert [(t.name, t.metrics) for t in chosen.testset] == [("noise", None)]
    assert whole.testset[1].metrics == ["mel_distance"]  # the suite itself stays


def test_a_setting_may_choose_the_rate_of_a_metric(data: Path) -> None:
    whole = suite(data, metrics={"speech": ["visqol_speech"], "sound": ["gain_db"]})
    assert make_plan(whole).testsets[0].metrics[0].rate == 16_000
    whole.settings["visqol_speech"] = {"rate": 48_000}
    assert make_plan(whole).testsets[0].metrics[0].rate == 48_000
    whole.settings["visqol_speech"] = {"rate": 8_000}
    with pytest.raises(UserError, match="16000 or 48000"):
        make_plan(whole)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (
            (["opus-7"], [], []),
            "There is no codec 'opus-7'. Did you mean opus-6, opus-12 or opus-24? "
            "To see all: bench list codecs.",
        ),
        (([], ["tolk"], []), "no test set 'tolk'. Did you mean 'talk'? Allowed: noise, talk."),
        (([], [], ["stoy"]), "Did you mean 'stoi'? To see all: bench list metrics."),
    ],
)
def test_select_what_does_not_exist(
    data: Path, names: tuple[list[str], list[str], list[str]], words: str
) -> None:
    with pytest.raises(UserError) as caught:
        select(suite(data), *names)
    assert words in str(caught.value)


def test_select_keeps_the_published_figures_of_what_is_left(data: Path) -> None:
    figures = [
        {"codec": codec, "metric": "m", "value": 1, "source": "s", **where}
        for codec in ("opus-6", "mine")
        for where in ({"domain": "speech"}, {"testset": "talk"}, {"testset": "noise"})
    ]
    chosen = select(suite(data, published=figures), ["opus-6"], ["talk"], [])
    assert [(p.codec, p.domain, p.testset) for p in chosen.published] == [
        ("opus-6", "speech", None),
        ("opus-6", None, "talk"),
    ]


def plan(data: Path, **changes: Any) -> Plan:
    return make_plan(suite(data, **changes))


def test_a_codec_takes_part_where_it_is_meant_to(data: Path) -> None:
    made = plan(data)
    talk, noise = made.testsets
    assert [c.record.id for c in talk.codecs] == ["opus-6", "codec2-700", "mine"]
    assert [c.record.id for c in noise.codecs] == ["opus-6", "mine"]  # Codec 2 is for speech
    assert [c.record.label for c in talk.codecs] == ["Opus", "Codec2 700C", "mine"]
    assert (len(talk.clips), len(noise.clips)) == (2, 1)
    assert (talk.scoring_rate, noise.scoring_rate) == (16_000, 24_000)
    assert made.skipped == []
    # The suite's word counts more than the preset's.
    asked = [{"id": "codec2-700", "domains": ["sound"]}]
    narrow = plan(data, codec=asked)
    assert [t.name for t in narrow.testsets] == ["noise"]
    assert narrow.skipped == ["test set talk (no codec takes part in it)"]
    asked[0]["domains"] = ["music"]
    with pytest.raises(UserError, match=r"sets 'talk', 'noise'\. Cannot be used: none\."):
        plan(data, codec=asked)


def test_a_codec_of_two_test_sets_is_made_once(data: Path) -> None:
    talk, noise = plan(data).testsets
    assert talk.codecs[0] is noise.codecs[0]
    assert talk.codecs[0].codec is not talk.codecs[2].codec


def test_options_of_a_suite_come_beside_the_presets_and_name_the_test_set(data: Path) -> None:
    codecs = [
        {"id": "opus-6", "label": "Mine", "options": {"bitrate": 8000}},
        {
            "id": "ready",
            "adapter": "reconstructions",
            "options": {"path": str(data / ".." / "{domain}"), "family": "{testset}", "bitrate": 9},
        },
    ]
    sets = [
        {"name": name, "domain": domain, "path": str(data / "*.flac")}
        for name, domain in (("a", "speech"), ("b", "music"))
    ]
    first, second = plan(data, codec=codecs, testset=sets).testsets
    opus, ready = first.codecs
    assert (opus.record.label, opus.record.stated_bps) == ("Mine", 8000)
    assert isinstance(ready.codec, Reconstructions)
    assert isinstance(second.codecs[1].codec, Reconstructions)
    assert ready.codec.options.path.endswith("/speech")
    assert second.codecs[1].codec.options.path.endswith("/music")
    assert (ready.record.family, second.codecs[1].record.family) == ("a", "b")
    assert (ready.record.precomputed, opus.record.precomputed) == (True, False)
    assert (ready.record.missing, opus.record.missing) == ("", "")


def test_an_adapter_object_stands_for_a_codec_of_the_suite(data: Path) -> None:
    made = Lowpass("other", "Other", LowpassOptions(cutoff=500))
    talk, noise = make_plan(suite(data), {"mine": made}).testsets
    assert talk.codecs[2].codec is made
    assert talk.codecs[2] is noise.codecs[1]
    assert talk.codecs[2].record.id == "mine"  # the suite's name for it
    assert talk.codecs[2].record.settings["cutoff"] == 500


class Away(Lowpass):
    """A codec that lacks a package."""

    def fetch(self, *, network: bool = True) -> None:
        raise Unavailable("pip install it")


def test_a_codec_that_is_not_here_says_why(data: Path) -> None:
    away = Away("mine", "Mine", LowpassOptions(cutoff=500))
    (talk, _) = make_plan(suite(data), {"mine": away}).testsets
    assert talk.codecs[2].record.missing == "pip install it"


def test_an_optional_codec_that_is_not_here_is_left_out_unless_it_is_named(data: Path) -> None:
    whole = suite(data)
    objects = {id_: Away(id_, id_, LowpassOptions(cutoff=500)) for id_ in ("mine", "codec2-700")}
    for codec in whole.codec:
        codec.optional = True
    made = make_plan(whole, objects)
    assert [[c.record.id for c in t.codecs] for t in made.testsets] == [["opus-6"], ["opus-6"]]
    assert made.skipped == ["codec2-700, mine (pip install it)"]
    named = make_plan(select(whole, ["mine"], [], []), objects)
    assert [c.record.missing for c in named.testsets[0].codecs] == ["pip install it"]
    assert named.skipped == []
    whole.codec.pop(0)
    with pytest.raises(UserError) as caught:
        make_plan(whole, objects)
    assert str(caught.value) == (
        "No codec takes part in test sets 'talk', 'noise'. "
        "Cannot be used: codec2-700, mine (pip install it)."
    )


def test_a_test_set_in_which_no_codec_takes_part_is_left_out_with_a_line(data: Path) -> None:
    made = make_plan(select(suite(data), ["codec2-700"], [], []))
    assert [t.name for t in made.testsets] == ["talk"]
    assert made.skipped == ["test set noise (no codec takes part in it)"]
    with pytest.raises(
        UserError, match=r"No codec takes part in test set 'noise'\. Cannot be used"
    ):
        make_plan(select(suite(data), ["codec2-700"], ["noise"], []))


def test_an_optional_folder_of_files_may_be_missing(data: Path) -> None:
    whole = suite(data)
    options = {"path": str(data / "no-such-{domain}")}
    ready = CodecConfig(id="ready", adapter="reconstructions", options=options, optional=True)
    whole.codec.append(ready)
    made = make_plan(whole)
    assert all("ready" not in [c.record.id for c in t.codecs] for t in made.testsets)
    assert f"ready ({data / 'no-such-speech'} is not there)" in made.skipped
    ready.optional = False
    with pytest.raises(UserError, match="no-such-speech does not exist"):
        make_plan(whole)
    ready.optional, ready.options["path"] = True, str(data)
    assert "ready" in [c.record.id for c in make_plan(whole).testsets[0].codecs]


def test_metrics_are_the_sets_own_else_the_suites_else_the_domains(data: Path) -> None:
    talk, noise = plan(data).testsets
    assert [m.name for m in talk.metrics] == default_metrics("speech")
    assert [m.name for m in noise.metrics] == default_metrics("sound")
    assert not talk.metrics_requested
    whole = suite(data, metrics={"speech": ["gain_db"], "sound": ["gain_db"]})
    whole.testset[1].metrics = ["estoi", "mel_distance", "stoi", "estoi"]
    talk, noise = make_plan(whole).testsets
    assert [m.name for m in talk.metrics] == ["gain_db"]
    # STOI and ESTOI are computed together, in the family's own order.
    assert [m.name for m in noise.metrics] == ["stoi", "estoi", "mel_distance"]
    assert [len(family.metrics) for family in noise.families] == [2, 1]
    assert talk.metrics_requested
    assert noise.metrics_requested
    assert {m.family for m in noise.families[0].metrics} == {"stoi"}
    assert noise.families[0].missing == ""


def test_settings_reach_their_family_and_its_records(data: Path) -> None:
    settings = {"speaker_similarity": {"backend": "ecapa", "source": "/no/such/folder"}}
    wanted = {"speech": ["speaker_similarity", "stoi"], "sound": ["gain_db"]}
    talk, _ = plan(data, metrics=wanted, settings=settings).testsets
    speaker, stoi = talk.families
    assert speaker.family.settings.backend == "ecapa"
    assert speaker.metrics[0].settings["source"] == "folder"
    assert speaker.missing
    assert speaker.missing == speaker.metrics[0].missing
    assert stoi.metrics[0].settings == {}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"settings": {"stoy": {}}}, "There is no metric family 'stoy' in [settings]. Did you"),
        ({"settings": {"visqol_speech": {"rate": "abc"}}}, "rate = 'abc'"),
        ({"metrics": {"music": ["stoy"]}}, "There is no metric 'stoy' in [metrics] of music."),
        ({"codec": [{"id": "opus-7"}]}, "Did you mean opus-6, opus-12 or opus-24?"),
    ],
)
def test_what_a_suite_names_must_exist(data: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError) as caught:
        plan(data, **changes)
    assert words in str(caught.value)


def test_metrics_of_a_test_set_must_exist(data: Path) -> None:
    whole = suite(data)
    whole.testset[0].metrics = ["stoy"]
    with pytest.raises(UserError, match="no metric 'stoy' in test set 'talk'"):
        make_plan(whole)


def test_optional_test_sets_that_are_not_there_are_skipped(data: Path) -> None:
    sets: list[dict[str, Any]] = [
        {"name": "talk", "domain": "speech", "path": str(data / "*.flac")},
        {"name": "gone", "domain": "speech", "path": "/no/such", "optional": True},
        {"name": "unsaid", "domain": "speech", "path": "{unsaid}", "optional": True},
        {"name": "here", "domain": "speech", "path": str(data / "*.flac"), "optional": True},
    ]
    made = plan(data, testset=sets)
    assert [t.name for t in made.testsets] == ["talk", "here"]
    assert made.skipped == [
        "test set gone (/no/such is not there)",
        "test set unsaid (give --data unsaid=PATH)",
    ]
    with pytest.raises(UserError) as caught:
        plan(data, testset=sets[1:3])
    assert str(caught.value) == (
        "None of the suite's test sets is there: test set gone (/no/such is not there); "
        "test set unsaid (give --data unsaid=PATH)."
    )
    with pytest.raises(UserError, match="/no/such does not exist"):
        plan(data, testset=[{**sets[1], "optional": False}])
