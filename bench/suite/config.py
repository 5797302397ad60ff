"""What a suite says: the models that its TOML file is validated by."""

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    model_validator,
)

from almbench.domains import Domain
from almbench.errors import unknown
from almbench.hub import is_hub, parse_hub
from almbench.languages import Language
from almbench.names import ORIGINAL, is_portable
from almbench.suite.kept import KEEP_AUDIO

Layout = Literal["auto", "folder", "vctk", "libritts", "librispeech", "esc-50", "musiccaps"]


def check_url(url: str) -> str:
    """Return an address on the web as it is.

    Raises:
        ValueError: It is none, or one that a link must not lead to.
    """
    host = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]+)?"
    if not re.fullmatch(rf"https?://{host}([/?#][^\s\"'<>\\^`{{|}}]*)?", url) or not url.isascii():
        raise ValueError("an address begins with https:// or http:// and has no spaces or quotes")
    return url


def _check_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", name):
        raise ValueError(
            "a name has up to 80 of the characters A-Z, a-z, 0-9, '.', '_' and '-', and begins "
            "with a letter or digit"
        )
    if not is_portable(name):
        raise ValueError(
            "a name ends in no dot, and is none that Windows keeps (CON, NUL, COM1, ...)"
        )
    return name


def _check_suffix(*suffixes: str) -> Callable[[str], str]:
    def check(path: str) -> str:
        if not path.lower().endswith(suffixes):
            raise ValueError(f"a file's name ends in {', '.join(suffixes)}")
        return path

    return check


def _check_kept(keep: str) -> str:
    if not re.fullmatch(KEEP_AUDIO, keep):
        raise ValueError("it is 'all', 'none' or 'sample:N' for N clips of each test set")
    return keep


Name = Annotated[str, AfterValidator(_check_name)]
KeepAudio = Annotated[str, AfterValidator(_check_kept)]
Url = Annotated[str, AfterValidator(check_url)]
Picture = Annotated[str, AfterValidator(_check_suffix(".svg", ".png", ".jpg", ".jpeg", ".webp"))]
Markdown = Annotated[str, AfterValidator(_check_suffix(".md"))]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TestSetConfig(_Strict):
    """A test set: sounds of one domain.

    Attributes:
        name: Name in tables and folders.
        domain: speech, sound or music.
        path: A folder, a glob, or a CSV manifest (`path[, id, domain, speaker, text, cluster]`;
            further columns are labels for `bench probe`).
            `{NAME}` stands for the folder given by `--data NAME=PATH`; the default is `{name}`
            of this test set.
        layout: How a folder is laid out; `auto` recognises the known layouts.
        limit: Take this many clips, chosen by the suite's seed.
        scoring_rate: Rate in Hz that original and reconstruction pass through before scoring.
        metrics: Metrics for this set instead of the suite's.
        optional: Skip the set, with a line, where its path does not exist or was not given.
    """

    __test__ = False  # not a test class, whatever pytest thinks of the name

    name: Name
    domain: Domain
    path: str = ""
    layout: Layout = "auto"
    limit: int | None = Field(default=None, ge=1)
    scoring_rate: int | None = Field(default=None, ge=8_000, le=192_000)
    metrics: list[str] | None = None
    optional: bool = False


class Resources(_Strict):
    """What a process asks a cluster for.

    Attributes:
        cpus: Cores; as many scoring processes.
        gpus: GPUs; of Ray, parts of one, too.
        memory: Memory, such as 24G.
        time: Time limit, as Slurm writes it: 04:00:00.
        partition: Partition of Slurm.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    cpus: int | None = Field(default=None, ge=1)
    gpus: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    memory: str | None = Field(default=None, pattern=r"^[0-9]+[KMGT]$")
    time: str | None = Field(default=None, pattern=r"^[0-9][0-9:-]*$")
    partition: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_.,-]+$")

    def over(self, others: "Resources") -> "Resources":
        """These, and what is not said of the others."""
        said = self.model_dump(exclude_none=True)
        return others.model_copy(update=said)


class CodecConfig(_Strict):
    """A codec with its settings. Without `adapter`, `id` names a built-in preset.

    Attributes:
        id: Name in tables and folders; or a line `hf:ORG/NAME@K` for a codec of transformers, which
            stands for its adapter and options, too.
        adapter: The adapter that runs it.
        label: Name for readers; the bitrate is added to it.
        stated_kbps: Nominal bitrate in kbps as its authors call it, where that is not what follows
            from frame rate and codebooks; tables show it, the values use the other.
        domains: The domains it takes part in; all by default.
        optional: Leave it out, with a line, where it cannot be used here.
        options: Options of the adapter. In a string, `{NAME}` stands for the folder given by
            `--data NAME=PATH`, `{domain}` and `{testset}` for those of the test set.
        resources: What it needs on a cluster, in place of what `bench submit` is told for all.
    """

    id: Name
    adapter: str | None = None
    label: str | None = None
    stated_kbps: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    domains: list[Domain] | None = None
    optional: bool = False
    options: dict[str, Any] = Field(default_factory=dict)
    resources: Resources | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_the_hub(cls, given: Any) -> Any:
        line = given.get("id") if isinstance(given, dict) else None
        if not (isinstance(line, str) and is_hub(line)):
            return given
        hub = parse_hub(line)
        options = given.get("options", {})
        if isinstance(options, dict):  # else it is refused below
            options = hub.options | options
        told = {"adapter": hub.adapter, "label": hub.label, **given}
        return told | {"id": hub.id, "options": options}


class Published(_Strict):
    """A figure that others published of a codec, to be shown beside the measured ones.

    Attributes:
        codec: Id of the codec in the suite.
        domain: The domain that it was published for; this or `testset`.
        testset: The test set of the suite that it belongs to.
        metric: Name of the metric; one that `bench list metrics` does not show stands alone.
        value: The figure.
        source: Where it was published, and on which data.
    """

    codec: str
    domain: Domain | None = None
    testset: str | None = None
    metric: Name
    value: FiniteFloat
    source: str = Field(min_length=1)

    @model_validator(mode="after")
    def _belongs_somewhere(self) -> Self:
        if (self.domain is None) == (self.testset is None):
            raise ValueError("a published figure needs one of 'domain' and 'testset', not both")
        return self


class About(_Strict):
    """What pages tell of a suite.

    Attributes:
        title: Title of the page.
        description: What is compared and why; an empty line begins a paragraph.
        authors: Who made it.
        url: Its home on the web, where its site is published: previews of links need the address.
        citation: How to cite it, as BibTeX.
        logo: Picture at the top of every page: SVG, PNG, JPEG or WebP, by its path from the suite.
        extra_pages: Pages of one's own: Markdown files (`.md`), by their paths from the suite.
        language: Language of the interface of its site: "en" or "zh".
        published: Figures of papers.
        highlight: Id of the codec that the suite is about, which pages point out; empty for none.
    """

    title: str = ""
    description: str = ""
    authors: list[str] = Field(default_factory=list)
    url: Url | None = None
    citation: str = ""
    logo: Picture | None = None
    extra_pages: list[Markdown] = Field(default_factory=list)
    language: Language = "en"
    published: list[Published] = Field(default_factory=list)
    highlight: str = ""


class Suite(About):
    """What to run.

    Attributes:
        name: Name of the suite, and of its run folder by default.
        data: Folders to be given by `--data NAME=PATH`: name -> what must be in it.
        seed: Seed of the choice of clips and of the bootstrap.
        keep_audio: Whose sounds stay in the run folder once they are scored: "all", "none", or
            "sample:N" for N clips of each test set. Codes and tables stay in any case.
        testset: The test sets.
        codec: The codecs, in the order of the tables.
        metrics: Metrics per domain; the defaults are those that `bench list metrics` shows.
        settings: Settings of metrics, one table per metric family.
    """

    name: Name
    data: dict[Name, str] = Field(default_factory=dict)
    seed: int = Field(default=0, ge=-(2**63), lt=2**63)
    keep_audio: KeepAudio = "all"
    testset: list[TestSetConfig] = Field(min_length=1)
    codec: list[CodecConfig] = Field(min_length=1)
    metrics: dict[Domain, list[str]] = Field(default_factory=dict)
    settings: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @property
    def scored(self) -> set[str]:
        """The metrics that are named, and the domains whose default ones are wanted."""
        return {name for one in self.testset for name in self.metrics_named(one) or [one.domain]}

    def metrics_named(self, testset: TestSetConfig) -> list[str]:
        """The metrics that are named for a test set; none where its domain's default ones are."""
        return testset.metrics or self.metrics.get(testset.domain) or []

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for kind, names in (
            ("testset name", [t.name for t in self.testset]),
            ("codec id", [c.id for c in self.codec]),
        ):
            # Folders must differ on file systems that ignore case, too.
            lower = [name.lower() for name in names]
            for name in names:
                if lower.count(name.lower()) > 1:
                    raise ValueError(f"{kind} '{name}' is given twice")
                if name.lower() == ORIGINAL:
                    raise ValueError(f"{kind} '{name}' is reserved")
        return self

    @model_validator(mode="after")
    def _named_codecs_exist(self) -> Self:
        codecs, testsets = [c.id for c in self.codec], [t.name for t in self.testset]
        if self.highlight and self.highlight not in codecs:
            raise ValueError(unknown("codec", self.highlight, codecs, "for highlight"))
        for figure in self.published:
            if figure.codec not in codecs:
                raise ValueError(unknown("codec", figure.codec, codecs, "for [[published]]"))
            if figure.testset and figure.testset not in testsets:
                raise ValueError(unknown("test set", figure.testset, testsets, "for [[published]]"))
        return self
