"""The units of a run on Ray, on one node and on two."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from almbench.devices import cpu_count
from almbench.errors import Unavailable
from almbench.runner import ray_engine
from almbench.runner.ray_engine import run_with_ray
from almbench.suite.config import Resources
from almbench.suite.load import load_suite
from tests.runner.test_sharing import (  # `suite` and `whole` are fixtures
    KILLS,
    check_finished,
    kill_at_random,
    start,
    suite,  # noqa: F401
    whole,  # noqa: F401
)

Bench = Callable[..., subprocess.CompletedProcess[str]]
HOW = "Ray is not installed: pip install 'almbench[ray]'"
STORE = 100 * 2**20  # bytes of Ray's object store, of which units need nothing


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[Any]:
    """A cluster of two nodes on this machine, a core each; the last test takes one away."""
    utils: Any = pytest.importorskip("ray.cluster_utils", reason=HOW)
    node = {"num_cpus": 1, "object_store_memory": STORE}
    cluster = utils.Cluster(
        initialize_head=True, head_node_args={**node, "include_dashboard": False}
    )
    cluster.add_node(**node)
    yield cluster
    cluster.shutdown()


@pytest.mark.slow
def test_two_nodes_make_the_tables_of_one_process(
    suite: Path,  # noqa: F811
    whole: Path,  # noqa: F811
    tmp_path: Path,
    two_nodes: Any,
) -> None:
    # One worker more than there is room for waits until another is done.
    run_with_ray(
        load_suite(str(suite)), tmp_path / "run", "cpu", 3, two_nodes.address, Resources(cpus=1)
    )
    check_finished(tmp_path / "run", whole)


@pytest.mark.slow
def test_two_workers_of_a_cluster_of_its_own(
    suite: Path,  # noqa: F811
    whole: Path,  # noqa: F811
    tmp_path: Path,
    bench_process: Bench,
) -> None:
    pytest.importorskip("ray", reason=HOW)
    root = tmp_path / "run"
    ray = ["run", suite, "-o", root, "--engine", "ray"]
    done = bench_process(*ray, "--workers", "2", "--gpus", "999")
    assert done.returncode == 2
    assert "ask for 1 CPU (at most " in done.stderr
    assert "999 GPU (at most " in done.stderr
    done = bench_process(*ray, "--workers", "999")  # no more than there is room for
    assert done.returncode == 0, done.stderr
    assert f"Ray: {cpu_count()} workers on 1 nodes" in done.stderr
    for line in [
        "Originals: 18/18 clips",
        "Reconstructing: 54/54 clips",
        "Scoring: 162/162 scores",
    ]:
        first, then = (said for said in done.stderr.splitlines() if said.startswith(line))
        assert "done before or elsewhere" not in first  # what actors did, shown as they did it
        assert "done before or elsewhere" in then
    check_finished(root, whole)


@pytest.mark.slow
def test_actors_killed_at_random_are_replaced(
    suite: Path,  # noqa: F811
    whole: Path,  # noqa: F811
    tmp_path: Path,
    two_nodes: Any,
    bench_process: Bench,
) -> None:
    root = tmp_path / "run"
    ray = ["--engine", "ray", "--ray-address", two_nodes.address]
    kill_at_random(suite, root, max(KILLS // 4, 2), *ray, beside=1)
    done = bench_process("run", suite, "-o", root, "--workers", "2", *ray)
    assert done.returncode == 0, done.stderr
    check_finished(root, whole)


def test_without_ray_it_says_how_to_get_it(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_engine, "missing_packages", lambda *_: "ray is not installed")
    with pytest.raises(Unavailable, match="--engine ray: ray is not installed"):
        run_with_ray(load_suite(str(small)), tmp_path / "run", "cpu", 1, None, Resources())
    assert not (tmp_path / "run").exists()


def test_how_many_actors_fit_on_nodes() -> None:
    nodes = [{"CPU": 4.0, "GPU": 2.0, "memory": 8.0 * 2**30}, {"CPU": 3.0, "memory": 64.0 * 2**30}]
    asked = {
        Resources(): 7,
        Resources(cpus=2): 3,
        Resources(cpus=1, gpus=0.5): 4,
        Resources(gpus=0.1): 4,  # the cores of the first
        Resources(memory="3G"): 5,
        Resources(cpus=5): 0,
        Resources(gpus=1, memory="16G"): 0,
    }
    assert {needs: ray_engine._room(nodes, needs) for needs in asked} == asked


def test_what_actors_ask_for() -> None:
    asked = ray_engine._options(Resources(cpus=2, gpus=0.25, memory="3G"))
    assert (asked["num_cpus"], asked["num_gpus"], asked["memory"]) == (2, 0.25, 3 * 2**30)
    assert "memory" not in ray_engine._options(Resources())


def test_options_of_ray_need_ray(small: Path, bench_process: Bench) -> None:
    done = bench_process("run", small, "--ray-address", "auto")
    assert done.returncode == 2
    assert "--ray-address and --gpus are for --engine ray" in done.stderr


@pytest.mark.slow
def test_a_node_that_is_lost_costs_nothing(
    suite: Path,  # noqa: F811
    whole: Path,  # noqa: F811
    tmp_path: Path,
    two_nodes: Any,
) -> None:
    root = tmp_path / "run"
    process = start(suite, root, "--engine", "ray", "--ray-address", two_nodes.address)
    while not list((root / "rows").glob("*")):
        assert process.poll() is None
        time.sleep(0.1)
    lost = next(iter(two_nodes.worker_nodes))
    two_nodes.remove_node(lost, allow_graceful=False)
    assert process.wait() == 0
    check_finished(root, whole)
