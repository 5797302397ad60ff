"""Mutation testing: facts changed by hand one at a time, then mutmut on small important modules.

    python -m tests.mutation.run [facts] [modules]

Nothing of the checkout is touched: mutants live in copies below build/mutation, laid out as the one
package that is imported.
"""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

from tests.mutation.facts import GROUPS, SLOW, Mutant

ROOT = Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / "mutation"
PACKAGES = {"bench": "", "codecs": "codecs", "site": "site", "templates": "templates"}
BESIDE = ("tests", "docs", "pyproject.toml", "README.md")
WORKERS = 2
# What most tests import: imported once, before the processes part.
SHARED = ("numpy", "pandas", "pydantic", "pytest", "scipy.stats", "soundfile", "soxr", "typer")

# Modules that mutmut changes statement by statement, with the fast tests that concern them.
MODULES = {
    "names.py": ["tests/test_names.py"],
    "keyvalue.py": ["tests/test_keyvalue.py"],
    "validation.py": ["tests/test_validation.py"],
    "audio.py": ["tests/test_audio.py", "tests/test_policies.py"],
    "policies.py": ["tests/test_policies.py"],
    "statistics/*.py": ["tests/statistics", "tests/results/test_tokens.py"],
    "results/comparison.py": ["tests/results/test_comparison.py"],
    "results/ranks.py": ["tests/results/test_ranks.py"],
    "results/table_rows.py": ["tests/results/test_table_rows.py"],
    "results/tables.py": ["tests/results/test_tables.py", "tests/results/test_table_rows.py"],
    "results/table_files.py": ["tests/results/test_tables.py"],
    "runner/plan.py": ["tests/runner/test_plan.py", "tests/suite"],
}
MUTMUT = """
[tool.mutmut]
source_paths = ["src"]
only_mutate = {only}
also_copy = {also}
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args = ["-p", "no:cacheprovider", "{slow}"]
process_isolation = "forkserver"
"""


def lay_out(place: Path) -> None:
    """Copy the checkout, and beside it, below `src`, the package as it is imported."""
    shutil.rmtree(place, ignore_errors=True)
    leave = shutil.ignore_patterns("__pycache__")
    for folder, inside in PACKAGES.items():
        for copy in (place / folder, place / "src" / "almbench" / inside):
            shutil.copytree(
                ROOT / folder, copy, ignore=leave, copy_function=os.link, dirs_exist_ok=True
            )
    for name in BESIDE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place / name, ignore=leave, copy_function=os.link)
        else:
            shutil.copy(ROOT / name, place / name)


def changed(mutant: Mutant) -> str | None:
    """The text of a mutant's file; None where the fact is not where the list says."""
    text = (ROOT / mutant.file).read_text(encoding="utf-8")
    start = text.find(mutant.after)
    where = text.find(mutant.old, start)
    if start < 0 or where < 0:
        return None
    return text[:where] + mutant.new + text[where + len(mutant.old) :]


def change(mutant: Mutant, place: Path) -> None:
    """Put a mutant into a copy of the checkout."""
    text = changed(mutant) or ""
    top, _, rest = mutant.file.partition("/")
    for path in (place / mutant.file, place / "src" / "almbench" / PACKAGES.get(top, "") / rest):
        if path.is_file():
            path.unlink()  # a hard link: the checkout's own file must stay
            path.write_text(text, encoding="utf-8")


def attempt(number: int, tests: tuple[str, ...], mutant: Mutant | None) -> None:
    """Run the tests of a mutant; exit with pytest's code."""
    place = WORK / str(number)
    lay_out(place)
    if mutant:
        change(mutant, place)
    os.chdir(place)
    os.environ.update(PYTHONPATH=str(place / "src"), PYTHONDONTWRITEBYTECODE="1")
    sys.path.insert(0, str(place / "src"))
    sys.dont_write_bytecode = True
    log = os.open(f"{place}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    import pytest

    code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests])
    shutil.rmtree(place, ignore_errors=True)
    sys.stdout.flush()
    os._exit(code)  # the threads that this process was forked beside are not its own to end


def survives(job: tuple[int, tuple[str, ...], Mutant | None]) -> bool:
    """Try a mutant in a process of its own, forked from this one; True where its tests pass."""
    process = get_context("fork").Process(target=attempt, args=job)
    process.start()
    process.join()
    return process.exitcode == 0


def run_facts() -> int:
    """Change each fact by itself; how many changes no test noticed."""
    gone = [m for listed in GROUPS.values() for m in listed if changed(m) is None]
    if gone:
        sys.exit("\n".join(f"{m.file}: {m.after!r} {m.old!r} is gone; mend facts.py" for m in gone))
    for name in SHARED:
        import_module(name)
    whole = [(i, tests, None) for i, tests in enumerate(GROUPS)]
    pairs = [(tests, mutant) for tests, listed in GROUPS.items() for mutant in listed]
    jobs = [(len(GROUPS) + i, tests, mutant) for i, (tests, mutant) in enumerate(pairs)]
    with ThreadPoolExecutor(WORKERS) as pool:
        for (_, tests, _), passed in zip(whole, pool.map(survives, whole), strict=True):
            if not passed:
                sys.exit(f"Without any mutant these fail: pytest {' '.join(tests)}")
        alive = 0
        for (_, tests, mutant), passed in zip(jobs, pool.map(survives, jobs), strict=True):
            if passed:
                alive += 1
                print(f"SURVIVED {mutant} of pytest {' '.join(tests)}", flush=True)
    print(f"Facts: {len(jobs) - alive} of {len(jobs)} mutants died.")
    return alive


def run_modules() -> None:
    """Let mutmut change the modules statement by statement; it lists what survived."""
    place = WORK / "modules"
    lay_out(place)
    tests = sorted({test for listed in MODULES.values() for test in listed})
    only = [f"src/almbench/{module}" for module in MODULES]
    also = [name for name in (*BESIDE, *PACKAGES) if name != "pyproject.toml"]
    with (place / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write(MUTMUT.format(only=only, also=also, tests=tests, slow=SLOW))
    mutmut = [sys.executable, "-m", "mutmut"]
    subprocess.run([*mutmut, "run", "--max-children", str(WORKERS)], cwd=place, check=False)
    subprocess.run([*mutmut, "results"], cwd=place, check=False)


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["facts", "modules"]
    survivors = run_facts() if "facts" in wanted else 0
    if "modules" in wanted:
        run_modules()
    sys.exit(survivors > 0)
