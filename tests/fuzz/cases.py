"""What a kind of input is: a good one, what of it is changed, what the program does with it; and
the cases of a kind, tried one after the other.
"""

import faulthandler
import json
import shutil
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.bounds import Outcome, try_case
from tests.fuzz.edits import Content, Style

DEADLY_S = 150  # of a case that nothing else can stop


@dataclass(frozen=True)
class Kind:
    """A kind of input.

    Attributes:
        name: Its name in the table.
        make: Writes a good input into an empty folder.
        use: Lets the program use what is in the first folder, of which the named file is changed;
            it may write to the second one.
        styles: How files are changed, by globs of their names below the folder.
        hostile: Whole contents that are made to do harm, by such globs.
        programs: Whether using it starts programs.
        each: Whether files are used one by one.
        few: Cases of a run of the tests.
        cost: Cases that take as long as one of the cheapest kind; so many times fewer are run.
    """

    name: str
    make: Callable[[Path], None]
    use: Callable[[Path, Path, str], object]
    styles: Mapping[str, Style]
    hostile: Mapping[str, Sequence[Content]] = field(default_factory=dict)
    programs: bool = False
    each: bool = False
    few: int = 30
    cost: int = 1


@dataclass(frozen=True)
class Case:
    """A file of a good input, with another content."""

    name: str
    content: bytes


def cases(kind: Kind, folder: Path) -> st.SearchStrategy[Case]:
    """The cases of a kind, from the good input that is in a folder."""
    found: dict[str, list[Content]] = {}
    for glob, style in kind.styles.items():
        for path in sorted(folder.glob(glob)):
            found.setdefault(path.relative_to(folder).as_posix(), []).append(
                style(path.read_bytes())
            )
    for glob, contents in kind.hostile.items():
        for path in sorted(folder.glob(glob)):
            found.setdefault(path.relative_to(folder).as_posix(), []).extend(contents)
    return st.one_of(
        [st.builds(Case, st.just(name), st.one_of(contents)) for name, contents in found.items()]
    )


@dataclass
class Report:
    """What became of the cases of a kind.

    Attributes:
        cases: How many there were.
        accepted: How many the program took.
        faults: Of each fault, how many cases had it.
        places: Fault and place -> the first file that is kept, and how often.
        seconds: What it took.
    """

    cases: int = 0
    accepted: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    places: dict[str, tuple[str, int]] = field(default_factory=dict)
    seconds: float = 0.0

    def add(self, fault: str, place: str, told: str, keep: Path, case: Case) -> None:
        """Count a case, and keep it if it is the first of its fault."""
        self.cases += 1
        if not fault:
            return
        self.faults[fault] += 1
        key = f"{fault}: {place}"
        first, count = self.places.get(key, ("", 0))
        if not first:
            keep.mkdir(parents=True, exist_ok=True)
            first = str(keep / f"{len(self.places)}-{Path(case.name).name}")
            Path(first).write_bytes(case.content)
            Path(f"{first}.why").write_text(f"{case.name}\n{key}\n{told}\n", errors="replace")
        self.places[key] = first, count + 1

    def __iadd__(self, other: "Report") -> "Report":
        """Add what another process found."""
        self.cases += other.cases
        self.accepted += other.accepted
        self.faults += other.faults
        for key, (file, count) in other.places.items():
            first, before = self.places.get(key, (file, 0))
            self.places[key] = first, before + count
        self.seconds += other.seconds
        return self

    def save(self, path: Path) -> None:
        """Write it to a file."""
        path.write_text(json.dumps({**vars(self), "faults": dict(self.faults)}))

    @classmethod
    def load(cls, path: Path) -> "Report":
        """Read it; empty where there is none."""
        if not path.is_file():
            return cls()
        held = json.loads(path.read_text())
        faults, places = (
            Counter(held["faults"]),
            {k: (f, n) for k, (f, n) in held["places"].items()},
        )
        return cls(held["cases"], held["accepted"], faults, places, held["seconds"])


class Ground:
    """A good input in a folder, of which a case changes one file."""

    def __init__(self, kind: Kind, root: Path) -> None:
        """Make the good input, and see that the program takes it."""
        self.kind = kind
        self.good, self.out, self.temporary = (root.resolve() / n for n in ("good", "out", "tmp"))
        for folder in (self.good, self.out, self.temporary):
            folder.mkdir(parents=True)
        kind.make(self.good)
        for name in self.changed if kind.each else self.changed[:1]:
            kind.use(self.good, self.out, name)
            self._clean()

    @property
    def changed(self) -> list[str]:
        """The files that cases change."""
        found = [path for glob in self.kind.styles for path in sorted(self.good.glob(glob))]
        return [path.relative_to(self.good).as_posix() for path in found]

    def try_(self, case: Case) -> Outcome:
        """Try a case; the good input is there again afterwards."""
        path = self.good / case.name
        before = path.read_bytes()
        path.write_bytes(case.content)
        try:
            return try_case(
                lambda: self.kind.use(self.good, self.out, case.name),
                (self.out, self.temporary),
                programs=self.kind.programs,
            )
        finally:
            path.write_bytes(before)
            self._clean()

    def _clean(self) -> None:
        for folder in (self.out, self.temporary):
            if any(folder.iterdir()):
                shutil.rmtree(folder)
                folder.mkdir()


def fuzz(kind: Kind, count: int, first: int, root: Path, keep: Path, alone: bool = False) -> Report:
    """Try cases of a kind.

    Args:
        kind: The kind.
        count: How many cases.
        first: The seed that they follow from.
        root: An empty folder to work in.
        keep: Where cases that fail are kept.
        alone: Whether the process is there for this alone, and ends where nothing else stops a
            case; what it has done until then is in `root`.
    """
    ground = Ground(kind, root)
    report = Report()
    start = time.monotonic()

    @seed(first)
    @settings(
        max_examples=count, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(cases(kind, ground.good))
    def run(case: Case) -> None:
        if alone:
            (root / "case.name").write_text(case.name)
            (root / "case").write_bytes(case.content)
            faulthandler.dump_traceback_later(DEADLY_S, exit=True)
        outcome = ground.try_(case)
        report.add(outcome.fault, outcome.place, outcome.told, keep, case)
        report.accepted += outcome.accepted
        report.seconds = time.monotonic() - start
        if alone and (outcome.fault or report.cases % 25 == 0):
            report.save(root / "report.json")

    run()
    faulthandler.cancel_dump_traceback_later()
    if alone:
        report.save(root / "report.json")
    return report
