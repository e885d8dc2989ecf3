"""A campaign on a two-node cluster on this machine, one node removed without grace in the middle.

The merged results are the bytes that one machine writes. Needs WINDTUNNEL (the program) and Ray; says so and passes
without Ray. Run it where only the loopback device is up: `unshare -n sh -c 'ip link set lo up; python ...'`.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from scenario import SOURCES, scenario

sys.path.insert(0, str(SOURCES))

SCENARIO = scenario(rps=400, duration=40, start=15, lasts=8)
SWEEP = ["sweep", "short.toml", "--vary", "policy.state.failed=3%..20%/4 log", "--vary", "rps=300,400,500", "-R", "5"]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def main() -> int:
    try:
        import ray
        from ray.cluster_utils import Cluster
    except ImportError:
        print("skipped: Ray is not installed (pip install ray)")
        return 0
    from windtunnel_ray.cluster import connect, run

    program = os.path.abspath(os.environ.get("WINDTUNNEL", "target/release/windtunnel"))
    with tempfile.TemporaryDirectory() as desk_name:
        desk = Path(desk_name)
        (desk / "short.toml").write_text(SCENARIO)

        def windtunnel(*args: str, **kwargs) -> subprocess.CompletedProcess:
            done = subprocess.run([program, *args], cwd=desk, capture_output=True, check=False, **kwargs)
            assert done.returncode == 0, done.stderr.decode()
            return done

        windtunnel(*SWEEP, "--out", "whole")
        windtunnel("campaign", "plan", "plan.json", *SWEEP)
        import json

        ids = [unit["id"] for unit in json.loads((desk / "plan.json").read_text())["units"]]

        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        second = cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        connect(cluster.address)
        assert ray.cluster_resources()["CPU"] == 2.0
        rows: list[bytes] = []
        lost = []

        def on_task(finished: int) -> None:
            if finished >= len(ids) // 4 and not lost:
                lost.append(finished)
                cluster.remove_node(second, allow_graceful=False)

        code = run(str(desk / "plan.json"), program, ids, rows.append, task_units=2, on_task=on_task)
        assert code == 0, "all units ran"
        assert lost and lost[0] < len(ids), "a node went away in the middle"
        lines = b"".join(rows).splitlines()
        assert len({line.split(b",")[0] for line in lines}) == len(ids), "every unit gave a row"
        print(f"{len(ids)} units, a node removed after {lost[0]}")

        # The command itself on what is left of the cluster; rows go through its journal.
        env = dict(os.environ, PYTHONPATH=str(Path(__file__).resolve().parents[1] / "src"))
        ray_run = ("campaign", "run", "plan.json", "--engine", "ray", "--address", cluster.address)
        windtunnel(*ray_run, "--python", sys.executable, "--out", "part", env=env)
        windtunnel("campaign", "merge", "part", "--out", "merged")
        assert files(desk / "merged") == files(desk / "whole"), "the bytes of one machine"

        # The rows of the run that lost a node, as a part of their own.
        torn = desk / "torn"
        torn.mkdir()
        (torn / "plan.json").write_bytes((desk / "plan.json").read_bytes())
        head = (desk / "part" / "rows.csv").read_bytes().splitlines(keepends=True)[0]
        (torn / "rows.csv").write_bytes(head + b"".join(rows))
        windtunnel("campaign", "merge", "torn", "--out", "merged-torn")
        assert files(desk / "merged-torn") == files(desk / "whole"), "the bytes of one machine"
        print("merged bytes are those of one machine")
        ray.shutdown()
        cluster.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
