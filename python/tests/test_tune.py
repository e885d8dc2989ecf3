"""A search whose study Optuna keeps: in a file, and in PostgreSQL for two workers at once, one of them killed.

Needs WINDTUNNEL (the program) and Optuna; says so and passes without Optuna. PostgreSQL is started in a folder of its
own, on a socket, where it is installed.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from scenario import SOURCES, scenario

sys.path.insert(0, str(SOURCES))
SCENARIO = scenario(rps=60, duration=20, start=5, lasts=4)
SLOW = SCENARIO.replace("error-burst", "brown-out").replace('error = { rate = "100%", status = 503 }', "decode = 8")
TUNE = ["tune", "short.toml", "slow.toml", "-R", "2", "--hold-out", "brown-out", "--objectives", "leak_ratio,regret"]
RANGES = ["--range", "state.failed=2%..20%", "--range", "backoff.first=1s..20s", "--python", sys.executable]


class Desk:
    """A folder, and the program in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.program = os.path.abspath(os.environ.get("WINDTUNNEL", "target/release/windtunnel"))
        (folder / "short.toml").write_text(SCENARIO)
        (folder / "slow.toml").write_text(SLOW)

    def start(self, *args: str) -> subprocess.Popen:
        return subprocess.Popen(
            [self.program, *TUNE, *RANGES, *args],
            cwd=self.folder,
            env=dict(os.environ, PYTHONPATH=str(SOURCES)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *args: str) -> tuple[int, str]:
        worker = self.start(*args)
        _, said = worker.communicate()
        return worker.returncode, said

    def record(self, out: str) -> dict:
        return json.loads((self.folder / out / "tuning.json").read_text())


def finished(url: str, study: str) -> list:
    """Trials that gave something."""
    import optuna

    from windtunnel_optuna.study import _with_driver

    loaded = optuna.load_study(study_name=study, storage=_with_driver(url))
    assert loaded.metric_names == ["leak_ratio", "regret"], loaded.metric_names
    return [trial for trial in loaded.trials if trial.state == optuna.trial.TrialState.COMPLETE]


def in_a_file(desk: Desk) -> None:
    url = f"sqlite:///{desk.folder}/study.db"
    code, said = desk.run("--trials", "9", "--storage", url, "--study", "one", "--out", "one")
    assert code == 0, said
    trials = finished(url, "one")
    assert len(trials) == 9, len(trials)
    # What Optuna has is what the record has: the same number, parameters and objectives.
    record = {trial["number"]: trial for trial in desk.record("one")["trials"]}
    assert len(record) == 10, "the start is one of them"
    for trial in trials:
        mine = record[trial.number + 1]
        assert set(trial.params) == set(mine["parameters"]) == {"state.failed", "backoff.first"}
        for kept, shown in zip(trial.values, mine["objectives"], strict=True):
            assert abs(kept - shown) <= 1e-5 * abs(shown), (trial.number, trial.values, mine)
    # More trials of the same go on; another search is refused before anything runs.
    code, said = desk.run("--trials", "12", "--storage", url, "--study", "one", "--out", "more")
    assert code == 0 and len(finished(url, "one")) == 12, said
    code, said = desk.run("--trials", "9", "--seed", "2", "--storage", url, "--study", "one", "--out", "other")
    assert code == 1 and "is of another search" in said, (code, said)
    code, said = desk.run("--trials", "2", "--storage", "sqlite:////no/such/folder/x.db", "--out", "lost")
    assert code == 1 and "unable to open database file" in said and "Traceback" not in said, (code, said)
    print("a study in a file: kept, gone on with, refused where it is another's")


def by_two_workers(desk: Desk, url: str) -> None:
    common = ("--trials", "40", "--storage", url, "--study", "two")
    one = desk.start(*common, "--out", "w1")
    two = desk.start(*common, "--out", "w2")
    # One of them goes away without a word, and comes back.
    journal = desk.folder / "w1" / "journal.jsonl"
    begin = time.monotonic()
    while not (journal.exists() and journal.read_text().count('"search"') > 6) and time.monotonic() - begin < 60:
        time.sleep(0.01)
    one.send_signal(signal.SIGKILL)
    one.communicate()
    code, said = desk.run(*common, "--out", "w1")
    assert code == 0, said
    _, said = two.communicate()
    assert two.returncode == 0, said
    trials = finished(url, "two")
    # A worker that asks while another does may go over by less than what is asked for at once.
    assert 40 <= len(trials) < 48, len(trials)
    shares = [sum(trial.user_attrs["worker"].endswith(out) for trial in trials) for out in ("w1", "w2")]
    assert min(shares) > 0, shares
    # Who ended last knows the whole front, whoever ran it; what a point gave does not depend on who ran it.
    fronts = [{t["number"]: t for t in desk.record(out)["trials"] if t["fate"] == "front"} for out in ("w1", "w2")]
    common_numbers = fronts[0].keys() & fronts[1].keys()
    assert common_numbers, fronts
    for number in common_numbers:
        assert fronts[0][number] == fronts[1][number], number
    print(f"two workers and a kill: {shares[0]} and {shares[1]} trials in one study, {len(common_numbers)} shared")


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[str | None]:
    """A server of its own; None where there is none to start."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin")) + [Path(p) for p in os.get_exec_path()]
    found = next((p for p in reversed(programs) if (p / "initdb").exists() and (p / "pg_ctl").exists()), None)
    try:
        import psycopg2  # noqa: F401
    except ImportError:
        found = None
    # It refuses to run as root; its own account, where there is one, may.
    is_root = os.getuid() == 0
    as_user = ["runuser", "-u", "postgres", "--"] if is_root else []
    if found is None or (is_root and shutil.which("runuser") is None):
        yield None
        return
    data = folder / "pg"
    data.mkdir()
    if is_root:
        shutil.chown(data, "postgres")
        folder.chmod(0o755)

    def call(*command: str) -> None:
        done = subprocess.run([*as_user, *command], cwd=data, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    call(str(found / "initdb"), "-D", str(data / "db"), "-A", "trust", "-U", "tuner", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories='{data}' -c fsync=off"
    call(str(found / "pg_ctl"), "-D", str(data / "db"), "-o", options, "-l", str(data / "log"), "-w", "start")
    try:
        yield f"postgresql://tuner@/postgres?host={data}"
    finally:
        call(str(found / "pg_ctl"), "-D", str(data / "db"), "-m", "fast", "-w", "stop")


def main() -> int:
    try:
        import optuna  # noqa: F401
    except ImportError:
        print("skipped: Optuna is not installed (pip install optuna)")
        return 0
    with tempfile.TemporaryDirectory() as name:
        desk = Desk(Path(name))
        in_a_file(desk)
        with postgresql(desk.folder) as url:
            if url is None:
                print("skipped: two workers, for want of PostgreSQL and psycopg2")
            else:
                by_two_workers(desk, url)
    return 0


if __name__ == "__main__":
    sys.exit(main())
