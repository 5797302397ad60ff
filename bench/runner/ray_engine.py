"""A run on Ray: actors, each of which takes units until none is left.

Ray places them; a codec's model stays loaded while its actor does units of it. An actor takes on no
more than it does soon, and one that dies is started again, elsewhere if need be.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

from almbench.devices import cpu_count
from almbench.errors import AlmbenchError, Unavailable, UserError
from almbench.names import some
from almbench.packages import missing_packages
from almbench.progress import display, note
from almbench.results.results import Results
from almbench.runner.resources import classes_of
from almbench.runner.run import begin_run, run_suite, work_on
from almbench.runner.warm import WarmServer
from almbench.runner.watching import Watch
from almbench.runner.work import Share
from almbench.suite.config import Resources, Suite
from almbench.suite.load import load_suite

LOOK_S = 1.0  # between looks at what the actors have written
RETRIES = 3  # of an actor's work, when it dies
UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


class _Actor:
    """A worker in a process of Ray's."""

    def work(self, root: str, device: str, cpus: int, codecs: list[str], batch: int | None) -> None:
        """Do units of some codecs until none is left."""
        work_on(Path(root), device, cpus, Share(codecs=frozenset(codecs)), WarmServer(), batch)


def run_with_ray(
    suite: Suite,
    root: Path,
    device: str,
    workers: int | None,
    address: str | None,
    common: Resources,
    batch: int | None = None,
) -> Results:
    """Do all that a suite asks for on a cluster of Ray, and write the tables.

    Args:
        suite: A suite with its data folders filled in.
        root: The run folder, which all nodes see.
        device: auto, cpu or cuda.
        workers: How many actors there are for codecs of the same needs; by default as many as the
            cluster has cores for.
        address: Of a cluster that runs; None for one on this machine, which ends with the run.
        common: What an actor needs where its codec does not say.
        batch: How many clips go through a codec at once; by default 1 on a CPU, 16 on a GPU.

    Raises:
        Unavailable: Ray is not installed, or there is no cluster at the address.
        UserError: As of `run_suite`; or an actor asks for more than this machine has.
    """
    if missing := missing_packages(["ray"], "'almbench[ray]'"):
        raise Unavailable(f"--engine ray: {missing}")
    ray: Any = import_module("ray")
    plan = begin_run(suite, root)
    _connect(ray, address)
    try:
        at_work: dict[Any, Any] = {}  # what an actor is to bring -> the actor
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        for needs, codecs in classes_of(plan, common).items():
            cpus = needs.cpus or 1
            room = _room(nodes, needs)
            if not room:
                _say_that_none_fits(nodes, needs, codecs, here=address is None)
            count = workers or max(room, 1)
            if address is None:
                count = min(count, room)
            for _ in range(count):
                actor = ray.remote(_Actor).options(**_options(needs)).remote()
                work = actor.work.remote(str(root.resolve()), device, cpus, codecs, batch)
                at_work[work] = actor
        note(f"Ray: {len(at_work)} workers on {len(nodes)} nodes")
        with display() as begin:
            watch = Watch(root, begin, plan.testsets)
            died = _wait(ray, at_work, watch)
            watch.end() if not died else watch.look()
        for error in died:
            note(f"A worker of Ray is lost ({error}); what it left undone is done here")
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, AlmbenchError):
            raise error.cause from error
        raise
    finally:
        ray.shutdown()
    # What an actor may have left undone, and the tables.
    return run_suite(load_suite(str(root / "suite.toml")), root, device, cpu_count(), batch=batch)


def _wait(ray: Any, at_work: dict[Any, Any], watch: Watch) -> list[str]:
    """Wait for the actors; returns why those that died were not started again.

    One that is done makes room for those that wait for it.
    """
    died = []
    while at_work:
        done, _ = ray.wait(list(at_work), timeout=LOOK_S)
        for one in done:
            try:
                ray.get(one)
            except ray.exceptions.RayActorError as error:
                died.append(str(error).strip().splitlines()[0].rstrip("."))
            ray.kill(at_work.pop(one))
        watch.look()
    return died


def _room(nodes: list[dict[str, float]], needs: Resources) -> int:
    """How many actors fit on nodes at once, by what each node has in all."""
    asked = _asked(needs).items()
    return sum(
        int(min(node.get(name, 0) / amount + 1e-9 for name, amount in asked)) for node in nodes
    )


def _say_that_none_fits(
    nodes: list[dict[str, float]], needs: Resources, codecs: list[str], *, here: bool
) -> None:
    """Say that no node has what an actor asks for; a cluster that grows may have it later.

    Raises:
        UserError: There is this machine alone.
    """
    wanted = ", ".join(
        f"{_written(name, amount)} (at most {_written(name, max(n.get(name, 0) for n in nodes))})"
        for name, amount in _asked(needs).items()
    )
    what = f"--engine ray: workers of {some(codecs)} ask for {wanted}, and no node has all of that"
    if here:
        raise UserError(
            f"{what}. To fix: ask for less, by --gpus or `resources` in the suite, or give the "
            "address of a cluster by --ray-address."
        )
    note(f"{what} now; they wait until one has")


def _written(name: str, amount: float) -> str:
    return f"{amount / 2**30:.3g} GiB of memory" if name == "memory" else f"{amount:g} {name}"


def _connect(ray: Any, address: str | None) -> None:
    here = {} if address else {"include_dashboard": False}
    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level="ERROR", **here)
    except (ConnectionError, ValueError, RuntimeError) as error:
        said = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise Unavailable(
            f"--ray-address {address}: no cluster of Ray is there ({said})"
        ) from error


def _asked(needs: Resources) -> dict[str, float]:
    """What an actor asks for, by Ray's names; memory in bytes."""
    asked = {"CPU": float(needs.cpus or 1)}
    if needs.gpus:
        asked["GPU"] = needs.gpus
    if needs.memory:
        number = needs.memory.rstrip("KMGT")
        asked["memory"] = int(number) * UNITS[needs.memory[len(number) :]]
    return asked


def _options(needs: Resources) -> dict[str, Any]:
    asked = _asked(needs)
    return {
        "num_cpus": asked.pop("CPU"),
        "num_gpus": asked.pop("GPU", 0),
        **asked,
        "max_restarts": RETRIES,
        "max_task_retries": RETRIES,
    }
