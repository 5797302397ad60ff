"""ViSQOL v3, the virtual speech quality objective listener, by the package `visqol-python`.

Chinen, Lim, Skoglund, Gureev, O'Gorman and Hines, "ViSQOL v3", QoMEX 2020. The package is a port of
Google's C++ program. In audio mode it agrees with that program's published values to 1e-4, one of
ten to 1.2e-4. In speech mode it is up to 0.007 off at their rate of 48 kHz, but for a pair that is
misaligned on purpose: 3.315 for their 3.313, 1.492 for their 1.498. A run scores speech at 16 kHz,
which gives 3.301 and 1.380; the setting `rate` closes that for sources of 48 kHz.
`bench conformance visqol_audio visqol_speech --files FOLDER` compares.

Two things to know of the values. Speech mode by the lattice mapper, the default of the C++ program,
gives even identical sounds 4.0 to 4.6. And the spectrograms have an absolute floor, so that quiet
recordings score higher than loud ones.
"""

import logging
from collections.abc import Collection
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from almbench.audio import Samples
from almbench.caches import ensure_numba_cache
from almbench.errors import MetricUndefined
from almbench.metrics.base import Family, Metric, S, Settings
from almbench.metrics.common import refuse_longer, refuse_silence
from almbench.packages import missing_packages, release
from almbench.standard_error import quiet

if TYPE_CHECKING:
    from visqol import VisqolApi


LONGEST_S = 300  # ten minutes take 3.5 GB
FASTER = "ViSQOL is about 8 times faster after: pip install 'almbench[accel]'"


class VisqolSpeechSettings(Settings):
    """At which rate speech is compared.

    Attributes:
        rate: 16000, or 48000 as Google's program takes its files: for test sets of 48 kHz speech
            whose `scoring_rate` is 48000, too. It hears up to 8 kHz at either, and their values are
            not to be mixed.
    """

    rate: Literal[16_000, 48_000] = 16_000


class _Visqol(Family[S]):
    mode: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ("visqol",)
    imports = ("visqol.api",)
    compiled_by = "visqol"

    def missing(self) -> str | None:
        return missing_packages(self.needs, "'visqol-python[lattice]'")

    def advice(self) -> str | None:
        return None if find_spec("numba") else FASTER

    @cached_property
    def _api(self) -> "VisqolApi":
        ensure_numba_cache()
        from visqol import VisqolApi

        logging.getLogger("visqol").setLevel(logging.ERROR)  # it would rather have speech at 16 kHz
        api = VisqolApi()
        with quiet():
            # The mapper is named: left open, the package falls back on another one in silence.
            api.create(mode=self.mode, use_lattice_model=self.mode == "speech")
        return api

    def load(self) -> None:
        """Create the program; where there is numba, compile its functions or load them."""
        api = self._api
        if self.rate and find_spec("numba"):
            noise = np.random.default_rng(0).normal(0, 0.1, 2 * self.rate)
            api.measure_from_arrays(noise, noise, self.rate)

    def score(
        self, prepared: Samples, reconstruction: Samples, rate: int, names: Collection[str]
    ) -> dict[str, float]:
        """Compute ViSQOL.

        Raises:
            MetricUndefined: A sound is silent, too quiet, too short or longer than five minutes, or
                holds no active patch.
        """
        del names
        refuse_silence(prepared, "reference")
        refuse_silence(reconstruction, "reconstruction")
        refuse_longer(prepared, rate, LONGEST_S, "ViSQOL")
        try:
            result = self._api.measure_from_arrays(prepared, reconstruction, rate)
        except (ValueError, IndexError) as error:
            seconds = len(prepared) / rate
            raise MetricUndefined(
                f"ViSQOL finds nothing to compare in {seconds:.2f} s "
                "(it needs about 1 s, in speech mode with speech in it)"
            ) from error
        # Equal everywhere but without energy: there was only the floor to compare.
        if result.vnsim == 1 and not result.fvdegenergy.any():
            raise MetricUndefined("both sounds lie below ViSQOL's absolute noise floor")
        return {self.name: float(result.moslqo)}


class VisqolSpeech(_Visqol[VisqolSpeechSettings]):
    """ViSQOL in speech mode, with the lattice mapper."""

    name = "visqol_speech"
    metrics = (
        Metric(
            name="visqol_speech",
            label="ViSQOL speech",
            unit="MOS",
            higher_is_better=True,
            low=1.0,
            high=5.0,
            digits=2,
            rate=16_000,
            domains=("speech",),
            default=("speech",),
            headline=("speech",),
            note="Speech from codecs that keep its spectrum but not its waveform.",
            caveat=(
                "Even the original against itself does not always get the highest mark; "
                "single clips scatter by some tenths. Google gives two pairs, at 48 kHz, 3.31 and "
                "1.50; at 16 kHz this gives them 3.30 and 1.38, at 48 kHz 3.32 and 1.49."
            ),
        ),
    )
    mode = "speech"
    needs = ("visqol", "ai_edge_litert")
    settings_type = VisqolSpeechSettings

    @property
    def rate(self) -> int:
        """Sample rate in Hz that it works at."""
        return self.settings.rate

    def version(self) -> str:
        """Name the package, the mode and the mapper."""
        return f"{release('visqol-python')}, speech mode, lattice mapper"


class VisqolAudio(_Visqol[Settings]):
    """ViSQOL in audio mode at 48 kHz, with the support vector mapper."""

    name = "visqol_audio"
    metrics = (
        Metric(
            name="visqol_audio",
            label="ViSQOL audio",
            unit="MOS",
            higher_is_better=True,
            low=1.0,
            high=5.0,
            digits=2,
            rate=48_000,
            default=("sound", "music"),
            headline=("sound", "music"),
            note="Sound and music, at full band.",
            caveat=(
                "Measures bandwidth first: against a reference with more of it, nothing else "
                "counts."
            ),
        ),
    )
    mode = "audio"

    def version(self) -> str:
        """Name the package and the mode."""
        return f"{release('visqol-python')}, audio mode"
