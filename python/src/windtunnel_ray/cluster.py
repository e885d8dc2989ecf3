"""Tasks on the cluster: each runs some units by the windtunnel program itself.

Program and plan go through Ray's object store and are written once a node, so that a worker needs nothing installed
but Ray, on the same kind of machine. A task whose node goes away is run again elsewhere; a unit gives the same row
wherever and however often it runs.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray  # noqa: E402
from ray import cloudpickle  # noqa: E402

# What a task should take: long beside what starting it costs, short beside what a lost node loses.
TASK_S = 2.0
# Units of a task before it is known how long one takes.
TASK_UNITS_FIRST = 1
TASK_UNITS_MAX = 1_000
# Tasks under way per CPU: enough that none waits for the driver, few enough that little is queued.
IN_FLIGHT_PER_CPU = 2
# How often Ray runs a task again whose worker or node died.
RETRIES = 5


def connect(address: str) -> None:
    """Joins a cluster, or starts one on this machine for `local`."""
    if ray.is_initialized():
        return
    kwargs = {"log_to_driver": False, "configure_logging": False}
    if address == "local":
        ray.init(address="local", include_dashboard=False, **kwargs)
    else:
        ray.init(address=address, **kwargs)


def _installed(content: bytes, name: str, mode: int) -> Path:
    """The content as a file of this node, written once."""
    digest = hashlib.sha256(content).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"windtunnel-{os.getuid()}-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / name
    if not path.exists():
        part = folder / f"{name}.{os.getpid()}"
        part.write_bytes(content)
        part.chmod(mode)
        part.rename(path)
    return path


@ray.remote(num_cpus=1, max_retries=RETRIES, retry_exceptions=False, scheduling_strategy="SPREAD")
def _task(program: bytes, plan: bytes, ids: list[str]) -> tuple[bytes, float]:
    """Rows of some units, and how long they took."""
    begin = time.monotonic()
    command = [
        str(_installed(program, "windtunnel", 0o700)),
        *("campaign", "run", str(_installed(plan, "plan.json", 0o600))),
        *("--threads", "1", "--units", ",".join(ids)),
    ]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.decode(errors="replace").strip())
    return done.stdout, time.monotonic() - begin


def run(
    plan: str,
    program: str,
    ids: list[str],
    emit: Callable[[bytes], None],
    *,
    task_units: int = 0,
    on_task: Callable[[int], None] | None = None,
) -> int:
    """Runs the units; gives their rows to `emit` task by task, in any order. 0 if all were run."""
    # Workers have Ray and not this package: it goes along with the tasks.
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    plan_ref = ray.put(Path(plan).read_bytes())
    program_ref = ray.put(Path(program).read_bytes())
    waiting = list(reversed(ids))
    units = task_units or TASK_UNITS_FIRST
    under_way: dict[ray.ObjectRef, int] = {}
    finished = failed = 0
    while waiting or under_way:
        cpus = max(1, int(ray.cluster_resources().get("CPU", 1)))
        while waiting and len(under_way) < IN_FLIGHT_PER_CPU * cpus:
            some = [waiting.pop() for _ in range(min(units, len(waiting)))]
            under_way[_task.remote(program_ref, plan_ref, some)] = len(some)
        ready, _ = ray.wait(list(under_way), num_returns=1, timeout=5.0)
        for ref in ready:
            count = under_way.pop(ref)
            try:
                rows, seconds = ray.get(ref)
            except Exception as error:  # A task that failed for good; the others go on.
                failed += count
                print(f"windtunnel_ray: {count} units failed: {error}", file=sys.stderr)
                continue
            emit(rows)
            finished += count
            if not task_units and seconds > 0.0:
                units = max(1, min(TASK_UNITS_MAX, round(count * TASK_S / seconds)))
            if on_task:
                on_task(finished)
    return 1 if failed else 0
