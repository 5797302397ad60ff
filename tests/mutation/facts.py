"""Single facts changed by hand, each with the tests that must notice.

Every entry is one mutant: a file, a text to begin at, what is written after it, and what is put in
its place. Where a fact is declared in a new place, its entry moves along.
"""

from typing import NamedTuple


class Mutant(NamedTuple):
    """One changed fact.

    Attributes:
        file: The file, from the project's root.
        after: The first place of this text is where the search begins; empty for the file's start.
        old: The first text from there on that is replaced.
        new: What takes its place.
    """

    file: str
    after: str
    old: str
    new: str


M = Mutant
PESQ, STOI, VISQOL = "bench/metrics/pesq.py", "bench/metrics/stoi.py", "bench/metrics/visqol.py"
SPEAKER, SPECTRAL = "bench/metrics/speaker.py", "bench/metrics/spectral.py"
SISDR, ALIGNMENT = "bench/metrics/sisdr.py", "bench/metrics/alignment.py"
BITS, FAMILIES = "bench/metrics/bitstream.py", "bench/metrics/registry.py"
POLICIES, AUDIO, WORKER = "bench/policies.py", "bench/audio.py", "bench/runner/worker.py"
DOMAINS, RECONSTRUCT = "bench/domains.py", "bench/runner/reconstruct.py"
STORING = "bench/runner/storing.py"
ORIGINALS, SCORING = "bench/runner/originals.py", "bench/runner/scoring.py"
TABLES, MANIFEST = "bench/results/tables.py", "bench/results/manifest.py"
RUN_RECORD, TESTSET_RECORD = "bench/results/run_record.py", "bench/results/testset_record.py"
CODEC_RECORD, METRIC_RECORD = "bench/results/codec_record.py", "bench/results/metric_record.py"
ROWS, FORMATS = "bench/results/table_rows.py", "bench/results/formats.py"
RECORDS, ROW_FILES = "bench/results/records.py", "bench/results/row_files.py"
COMPARISON = "bench/results/comparison.py"
NAMES = "bench/results/codec_names.py"
PRESETS, RUN, MAIN = "codecs/builtin.py", "bench/cli/run.py", "bench/cli/main.py"
SITE, CLI_TABLES, LISTEN = "bench/cli/site.py", "bench/cli/tables.py", "bench/cli/listen.py"
PYPROJECT, MODELS = "pyproject.toml", "codecs/transformers_models.py"
SLOW = "--ignore=tests/statistics/test_coverage.py"  # simulations

WB, NB, S, ES = 'label="PESQ-WB"', 'label="PESQ-NB"', 'label="STOI"', 'label="ESTOI"'
VS, VA, SPK = 'label="ViSQOL speech"', 'label="ViSQOL audio"', 'label="Speaker similarity"'
MEL, STFT, SDR = 'label="Mel distance"', 'label="MR-STFT distance"', 'label="SI-SDR"'
LAG, GAIN = 'label="Lag"', 'label="Level difference"'
MEASURED, ENTROPY, NGRAM = 'label="Measured"', 'label="Entropy"', 'label="N-gram"'
USE, PERPLEXITY = 'label="Use"', 'label="Perplexity"'
UP, DOWN, NEITHER = "higher_is_better=True", "higher_is_better=False", "higher_is_better=None"

# pytest's arguments -> the mutants that must make it fail.
GROUPS: dict[tuple[str, ...], list[Mutant]] = {
    ("tests/metrics/test_metric_facts.py", "-k", "not noise"): [
        M(PESQ, "", 'name="pesq_wb"', 'name="pesq"'),
        M(PESQ, WB, UP, DOWN),
        M(PESQ, WB, "low=1.0", "low=-0.5"),
        M(PESQ, WB, "high=4.644", "high=4.5"),
        M(PESQ, WB, 'unit="MOS"', 'unit=""'),
        M(PESQ, WB, "digits=2", "digits=3"),
        M(PESQ, WB, "rate=16_000", "rate=8_000"),
        M(PESQ, WB, 'domains=("speech",)', 'domains=("speech", "sound")'),
        M(PESQ, WB, 'default=("speech",)', "default=()"),
        M(PESQ, WB, 'headline=("speech",)', "headline=()"),
        M(PESQ, WB, "without P.862.2 Corrigendum 2", "with P.862.2 Corrigendum 2"),
        M(PESQ, NB, UP, DOWN),
        M(PESQ, NB, "high=4.549", "high=4.644"),
        M(PESQ, NB, "rate=16_000", "rate=8_000"),
        M(PESQ, NB, 'default=("speech",)', "default=()"),
        M(STOI, S, UP, NEITHER),
        M(STOI, S, "low=-1.0", "low=0.0"),
        M(STOI, S, "high=1.0", "high=100.0"),
        M(STOI, S, "rate=16_000", "rate=10_000"),
        M(STOI, S, 'domains=("speech",)', 'domains=("speech", "music")'),
        M(STOI, S, 'default=("speech",)', "default=()"),
        M(STOI, S, 'headline=("speech",)', "headline=()"),
        M(STOI, ES, UP, DOWN),
        M(STOI, ES, "low=-1.0", "low=0.0"),
        M(STOI, ES, 'default=("speech",)', "default=()"),
        M(VISQOL, VS, UP, DOWN),
        M(VISQOL, VS, "low=1.0", "low=0.0"),
        M(VISQOL, VS, "high=5.0", "high=4.73"),
        M(VISQOL, VS, "rate=16_000", "rate=48_000"),
        M(VISQOL, VS, 'domains=("speech",)', 'domains=("sound",)'),
        M(VISQOL, VS, "lattice mapper", "exponential mapper"),
        M(VISQOL, VA, UP, DOWN),
        M(VISQOL, VA, "high=5.0", "high=4.73"),
        M(VISQOL, VA, "rate=48_000", "rate=24_000"),
        M(VISQOL, VA, 'default=("sound", "music")', 'default=("sound",)'),
        M(VISQOL, VA, 'headline=("sound", "music")', 'headline=("music",)'),
        M(SPEAKER, SPK, UP, DOWN),
        M(SPEAKER, SPK, "low=-1.0", "low=0.0"),
        M(SPEAKER, SPK, "high=1.0", "high=2.0"),
        M(SPEAKER, SPK, "rate=16_000", "rate=24_000"),
        M(SPEAKER, SPK, 'default=("speech",)', "default=()"),
        M(SPECTRAL, MEL, DOWN, UP),
        M(SPECTRAL, MEL, "low=0.0", "low=None"),
        M(SPECTRAL, MEL, "default=DOMAINS", 'default=("sound",)'),
        M(SPECTRAL, MEL, 'headline=("sound", "music")', "headline=()"),
        M(SPECTRAL, "", "BANDS = 80", "BANDS = 128"),
        M(SPECTRAL, STFT, DOWN, UP),
        M(SPECTRAL, STFT, "low=0.0", "low=-1.0"),
        M(SPECTRAL, STFT, "default=DOMAINS", "default=()"),
        M(SPECTRAL, "", "(512, 50, 240)", "(512, 64, 256)"),
        M(SISDR, SDR, UP, DOWN),
        M(SISDR, SDR, 'unit="dB"', 'unit="%"'),
        M(SISDR, SDR, "default=DOMAINS", 'default=("speech",)'),
        M(ALIGNMENT, LAG, NEITHER, DOWN),
        M(ALIGNMENT, LAG, 'unit="ms"', 'unit="s"'),
        M(ALIGNMENT, LAG, "rate=24_000", "rate=16_000"),
        M(ALIGNMENT, "", "RANGE_S = 0.1", "RANGE_S = 0.2"),
        M(ALIGNMENT, GAIN, NEITHER, UP),
        M(ALIGNMENT, GAIN, 'unit="dB"', 'unit=""'),
        M(ALIGNMENT, GAIN, "rate=24_000", "rate=None"),
        M(BITS, MEASURED, NEITHER, DOWN),
        M(BITS, MEASURED, 'unit="kbps"', 'unit="kB/s"'),
        M(BITS, MEASURED, 'computed_from="bits"', 'computed_from="sound"'),
        M(BITS, ENTROPY, NEITHER, DOWN),
        M(BITS, ENTROPY, 'computed_from="codes"', 'computed_from="bits"'),
        M(BITS, NGRAM, 'unit="bits/token"', 'unit="nats/token"'),
        M(BITS, NGRAM, "low=0.0", "low=None"),
        M(BITS, USE, "high=1.0", "high=100.0"),
        M(BITS, USE, "compared=False", "compared=True"),
        M(BITS, PERPLEXITY, "low=1.0", "low=0.0"),
        M(BITS, PERPLEXITY, "digits=1", "digits=0"),
        M(FAMILIES, "", '    "si_sdr": "almbench.metrics.sisdr:SiSdr",\n', ""),
        M(DOMAINS, "", '"speech", "sound", "music"', '"speech", "music", "sound"'),
    ],
    ("tests/test_policies.py",): [
        M(POLICIES, "", "VERSION = 2", "VERSION = 3"),
        M(POLICIES, "", "LENGTH_NOTE_S = 0.1", "LENGTH_NOTE_S = 0.2"),
        M(POLICIES, "", "LEAST_LENGTH = 0.9", "LEAST_LENGTH = 0.8"),
        M(POLICIES, "", "CONFIDENCE = 0.95", "CONFIDENCE = 0.9"),
        M(POLICIES, "", "clipped and counted, never ", "clipped, never "),
        M(POLICIES, "word = ", "return True, f", "return difference < 0, f"),
        M(POLICIES, "", "reconstruction_s < LEAST", "reconstruction_s <= LEAST"),
        M(POLICIES, "", "abs(difference) <= LENGTH", "abs(difference) < LENGTH"),
        M(POLICIES, "", '"longer" if', '"shorter" if'),
        M(DOMAINS, "", '"speech": 16_000', '"speech": 24_000'),
        M(DOMAINS, "", '"sound": 24_000', '"sound": 48_000'),
        M(DOMAINS, "", '"music": 24_000', '"music": 48_000'),
        M("bench/decoding.py", "self.blocks", "frames.mean(axis=1)", "frames[:, 0]"),
        M(AUDIO, "", 'quality="VHQ"', 'quality="HQ"'),
        M(AUDIO, "clipped = ", "np.clip(wanted, -scale, scale - 1)", "wanted % scale"),
        M(AUDIO, "def write_flac", "bits: int = 16", "bits: int = 24"),
        M(AUDIO, "", "return 16 if exact else 24", "return 24 if exact else 16"),
        M(AUDIO, "", "exact_bits(scaled)", "16"),
        M(ORIGINALS, "", "signature(policies.VERSION, ", "signature("),
        M(RECONSTRUCT, "", "[policies.VERSION, original", "[original"),
        M(STORING, "", "if not fine:", "if note:"),
        M(METRIC_RECORD, "def signature", "policies.VERSION, reconstruction", "reconstruction"),
        M(METRIC_RECORD, "def signature", "self.settings, scoring_rate", "self.settings"),
        M(WORKER, "", "reconstruction[:length]", "reconstruction"),
        M(WORKER, "NotApplicable as error", '"skipped"', '"failed"'),
        M(WORKER, "", '= "failed"', '= "skipped"'),
        M(WORKER, "", "values[name], \"ok\"", "values[name], \"skipped\""),
        M(WORKER, "", "if rate != scoring_rate:", "if False:"),
    ],
    ("tests/results/test_manifest.py", "tests/results/test_records.py"): [
        M(MANIFEST, "", "SCHEMA_VERSION: Literal[2] = 2", "SCHEMA_VERSION: Literal[2, 3] = 3"),
        M(RUN_RECORD, "class MachineRecord", "cores: int | None", "cpus: int | None"),
        M(RUN_RECORD, "class UsageRecord", "load_s: float", "load_seconds: float"),
        M(RUN_RECORD, "class PeakMemory", "largest_worker: int", "worker: int"),
        M(TESTSET_RECORD, "class TestSetRecord", "data_hash: str", "data_sha: str"),
        M(TESTSET_RECORD, "class ClipRecord", 'speaker: str = ""', 'voice: str = ""'),
        M("bench/record.py", "class Record", '"forbid"', '"ignore"'),
        M(MANIFEST, "if version", "!= SCHEMA_VERSION", "> SCHEMA_VERSION"),
        M(MANIFEST, "", "indent=2", "indent=1"),
        M(CODEC_RECORD, "", "bool(self.codebook_sizes) and (", "bool(self.codebook_sizes) or ("),
        M("codecs/base.py", "class Checkpoint", "revision: str", "commit: str"),
        M("bench/suite/config.py", "class About", "citation: str", "cite: str"),
        M(RECORDS, "def signature", "[:16]", "[:12]"),
        M(ROW_FILES, "", "in iter_rows(run, row)}", "in [*iter_rows(run, row)][::-1]}"),
    ],
    ("tests/results/test_tables.py", "tests/results/test_table_rows.py"): [
        M(TABLES, "score is None", '"skipped", NOT_RUN', '"ok", NOT_RUN'),
        M(TABLES, "if row.bits is None", '"skipped", NO_BITS', '"failed", NO_BITS'),
        M(TABLES, "", 'status, reason = "skipped", NO_CODES', 'status, reason = "ok", NO_CODES'),
        M(TABLES, "if metric.missing", '"unavailable"', '"failed"'),
        M(TABLES, "", '"failed" if failed else "ok"', '"ok" if failed else "failed"'),
        M(TABLES, "", 'm.status in {"failed", "unavailable"}', 'm.status in {"failed", "skipped"}'),
        M(TABLES, "", "row.bits / duration / 1000", "row.bits / duration / 1024"),
        M(TABLES, "", "row.encode_s / duration", "duration / row.encode_s"),
        M(TABLES, "failed=int(", '== "failed"', '!= "ok"'),
        M(TABLES, "", "metric.rate or rate", "rate"),
        M("bench/results/table_files.py", "", 'lineterminator="\\n"', 'lineterminator="\\r\\n"'),
        M("bench/results/frames.py", "", '"keep_default_na": False', '"keep_default_na": True'),
        M(TABLES, "row.clipped if", 'row.status == "ok"', 'row.status != "ok"'),
        M(ROWS, "class ClipRow", "    encode_rtf: float", "    encode_speed: float"),
        M(ROWS, "class MetricRow", "    seconds: float | None", "    seconds_spent: float | None"),
        M(ROWS, "class SummaryRow", "    ci95_low: float | None", "    ci_low: float | None"),
        M(ROWS, "WHOLE = {", "hint == (int | None)", "hint == (float | None)"),
        M(FORMATS, "", '".tex": "latex"', '".tex": "csv"'),
        M(RECORDS, "", '"ok", "failed", "skipped"', '"failed", "ok", "skipped"'),
    ],
    ("tests/results/test_ranks.py", "tests/results/test_comparison.py", "tests/statistics", SLOW): [
        M("bench/results/ranks.py", "", "if codec.anchor", "if not codec.anchor"),
        M("bench/results/ranks.py", "", "counts == counts.max()", "counts > 0"),
        M("bench/results/ranks.py", "", "higher_is_better=better)", "higher_is_better=not better)"),
        M(COMPARISON, "", '{True: "↑", False: "↓"', '{True: "↓", False: "↑"'),
        M(COMPARISON, "", "best_first = bool(", "best_first = not bool("),
        M(COMPARISON, "", "& best", "| best"),
        M(COMPARISON, "", "if len(ties) < 2:", "if len(ties) < 1:"),
        M(NAMES, "", 'UNIT = "kbps"', 'UNIT = "kbit/s"'),
        M("bench/statistics/significance.py", "", "round(1 - CONFIDENCE, 9)", "0.01"),
        M("bench/statistics/significance.py", "", '"greater"', '"two-sided"'),
        M("bench/statistics/intervals.py", "", "(1 + CONFIDENCE) / 2", "CONFIDENCE"),
        M("bench/statistics/clusters.py", "error = ", "(1 - shares)", "1"),
        M("bench/statistics/clusters.py", "", "if name else", "if not name else"),
        M("bench/statistics/power.py", "", "POWER = 0.8", "POWER = 0.9"),
    ],
    ("tests/runner/test_scoring.py", "tests/runner/test_plan.py"): [
        M(SCORING, "", '{"ok", "skipped"}', '{"ok", "failed"}'),
        M(SCORING, "", '{"ok", "skipped"}', '{"ok"}'),
        M(SCORING, "", "known.audio_sha256 == row.audio_sha256", "True"),
        M(SCORING, "", "if planned.missing:", "if not planned.missing:"),
        M("bench/runner/plan.py", "", 'update={"optional": False}', 'update={"optional": True}'),
        M("bench/suite/config.py", "", "testset.metrics or self.metrics", "self.metrics"),
    ],
    ("tests/codecs/test_preset_facts.py",): [
        M(PRESETS, "", '{"window": 6}', '{"window": 3}'),
        M(PRESETS, "", '{"mode": 700}', '{"mode": 1300}'),
        M(PRESETS, "", '{"mode": 4750}', '{"mode": 5150}'),
        M(PRESETS, "", '"opus", {"bitrate": 6000}', '"opus", {"bitrate": 8000}'),
        M(PRESETS, "", '"bitrate": 16000, "sample_rate"', '"bitrate": 24000, "sample_rate"'),
        M(PRESETS, '"encodec-1.5"', '"num_codebooks": 2', '"num_codebooks": 4'),
        M(PRESETS, '"dac-1.5"', '"num_codebooks": 2', '"num_codebooks": 3'),
        M(PRESETS, '"mimi-1.1"', "}, SPEECH", "}, DOMAINS"),
        M(PRESETS, '"mimi-0.41"', '"num_codebooks": 3', '"num_codebooks": 4'),
        M(PRESETS, '"speechtokenizer-1.5"', '"num_codebooks": 3', '"num_codebooks": 2'),
        M(PRESETS, "", '{"model": "40"}', '{"model": "75"}'),
        M("codecs/base.py", "", "log2(size) / stride for size", "size / stride for size"),
        M("codecs/base.py", "", "self.stated_bps / 1000", "self.stated_bps / 1024"),
        M(MODELS, "class Encodec", "Facts(24_000, 320, 1024", "Facts(24_000, 320, 2048"),
        M(MODELS, "class Encodec", "    causal = True", "    causal = False"),
        M(MODELS, "class Mimi", "    causal = True", "    causal = False"),
        M("codecs/amr.py", "", "FRAME_RATE = 50", "FRAME_RATE = 100"),
        M("codecs/aac.py", "", "FRAME = 1024", "FRAME = 960"),
        M("codecs/lowpass.py", "", "anchor=True", "anchor=False"),
    ],
    ("tests/cli/test_cli_facts.py", "-k", "not folder"): [
        M("bench/cli/selection.py", "", 'suite or "quick"', 'suite or "alm-demo"'),
        M(RUN, "def run", 'device: DeviceOption = "auto"', 'device: DeviceOption = "cpu"'),
        M("bench/cli/submit.py", "", "] = 16,", "] = 17,"),
        M(RUN, "", 'What the sounds are.")] = "speech"', 'What the sounds are.")] = "sound"'),
        M(SITE, "", "] = 8000", "] = 8080"),
        M(SITE, "", '= "origin"', '= "upstream"'),
        M(SITE, "", '"gh-pages"', '"main"'),
        M(SITE, "", '        "public"\n', '        "site"\n'),
        M(CLI_TABLES, "", '= "summary"', '= "clips"'),
        M(LISTEN, "", "] = True", "] = False"),
        M(LISTEN, "", "] = 8", "] = 10"),
        M(MAIN, "", "INTERRUPTED = 130", "INTERRUPTED = 1"),
        M(MAIN, "", "2 the input is wrong", "3 the input is wrong"),
        M(MAIN, "", 'app.command(name="list"', 'app.command(name="show"'),
    ],
    ("tests/cli/test_cli_facts.py", "-k", "folder"): [
        M("bench/cli/selection.py", "", 'Path("runs") / suite.name', 'Path("out") / suite.name'),
    ],
    ("tests/cli/test_cli.py", "-k", "needs_no_suite or empty_folder"): [
        M(MAIN, "def _fail", "sys.exit(2)", "sys.exit(1)"),
        M("bench/cli/outcome.py", "", "return 1 if bad else 0", "return 0"),
    ],
    ("tests/test_packaging.py", "tests/test_house.py"): [
        M(PYPROJECT, "", '  "almbench.checks",\n', ""),
        M(PYPROJECT, "", '  "almbench.codecs.almtokenizer",\n', ""),
        M(PYPROJECT, "", '"**/*.flac", ', ""),
        M(PYPROJECT, "", '["builtin/*.toml"]', '["*.toml"]'),
        M("codecs/lowpass.py", "    stop = STOP", " *", " * 1; import almbench.runner.run;"),
        M("bench/files.py", "", "from almbench", "import almbench.results.records\nfrom almbench"),
        M(SISDR, "", "import numpy", "import almbench.results.records\nimport numpy"),
    ],
    ("tests/test_names.py", "tests/test_keyvalue.py", "tests/test_doctests.py"): [
        M("bench/names.py", "", "LONGEST = 120", "LONGEST = 300"),
        M("bench/names.py", "", '"__"', '"_"'),
        M("bench/keyvalue.py", "", 'partition("=")', 'rpartition("=")'),
        M("bench/keyvalue.py", "", "json.loads(text)", "text"),
        M("bench/keyvalue.py", "", "{'vctk': '/data/VCTK'}", "{'VCTK': '/data/VCTK'}"),
    ],
}  # fmt: skip
