"""One study, shared by all workers that name it."""

import datetime
import importlib.util
import random
import socket
import time

import optuna
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.trial import TrialState

# A trial under way for longer than this is nobody's any more: its worker is gone.
LOST_AFTER = datetime.timedelta(hours=1)
# Workers that begin at one moment create the tables at once, and all but one fail in that: they try again.
OPENINGS = 8


class Refused(Exception):
    """The study is not the one that was meant."""


def _with_driver(url: str) -> str:
    """PostgreSQL by the driver that is installed: which one `postgresql://` means depends on SQLAlchemy's version."""
    scheme, sign, rest = url.partition("://")
    if scheme not in ("postgresql", "postgres"):
        return url
    for driver in ("psycopg2", "psycopg"):
        if importlib.util.find_spec(driver):
            return f"postgresql+{driver}{sign}{rest}"
    raise Refused("PostgreSQL needs a driver: pip install './python[optuna,postgresql]'")


def _opened(url: str, name: str, directions: list[str]) -> optuna.Study:
    sampler = optuna.samplers.TPESampler(multivariate=True, constant_liar=True)
    for opening in range(OPENINGS):
        try:
            storage = optuna.storages.RDBStorage(_with_driver(url))
            return optuna.create_study(
                storage=storage, study_name=name, directions=directions, sampler=sampler, load_if_exists=True
            )
        except (ImportError, ValueError, Refused):
            raise
        except Exception:
            if opening + 1 == OPENINGS:
                raise
            time.sleep(0.1 * (opening + 1) + random.random() * 0.2)
    raise AssertionError("the last opening returns or raises")


class SharedStudy:
    """What a worker knows of it."""

    def __init__(self, question: dict) -> None:
        self.axes = question["axes"]
        self.trials = question["trials"]
        self.worker = f"{socket.gethostname()}:{question['worker']}"
        self.study = _opened(question["storage"], question["study"], question["directions"])
        self._claim(question["problem"], question["objectives"])
        self.space = {axis["id"]: _distribution(axis) for axis in self.axes}
        self.own: set[int] = set()
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            # This worker was here before and ended in the middle.
            if trial.user_attrs.get("worker") == self.worker:
                self.study.tell(trial.number, state=TrialState.FAIL)

    def _claim(self, problem: str, objectives: list[str]) -> None:
        """Makes a new study that of this problem; refuses one of another."""
        known = self.study.user_attrs.get("windtunnel_problem")
        if known is None and not self.study.get_trials(deepcopy=False):
            self.study.set_user_attr("windtunnel_problem", problem)
            self.study.set_metric_names(objectives)
        elif known != problem:
            raise Refused(
                f"the study `{self.study.study_name}` is of another search: other scenarios, parameters, ranges, "
                "objectives, seed or version; name another with --study"
            )

    def finished(self) -> int:
        """Trials that count: finished by anybody, or under way."""
        now = datetime.datetime.now()
        count = 0
        for trial in self.study.get_trials(deepcopy=False):
            if trial.state == TrialState.RUNNING:
                count += trial.datetime_start is None or now - trial.datetime_start < LOST_AFTER
            else:
                count += trial.state != TrialState.FAIL or "refused" in trial.user_attrs
        return count

    def ask(self, n: int) -> list[dict]:
        """At most n new points; none when the study has all its trials."""
        asked = []
        for _ in range(min(n, self.trials - self.finished())):
            trial = self.study.ask(self.space)
            trial.set_user_attr("worker", self.worker)
            self.own.add(trial.number)
            asked.append({"number": trial.number, "values": [trial.params[axis["id"]] for axis in self.axes]})
        return asked

    def tell(self, number: int, objectives: list[float] | None, stopped: bool) -> None:
        """What a point gave; nothing for one that was refused."""
        if objectives is None:
            self._note(number, "refused")
            self.study.tell(number, state=TrialState.FAIL)
            return
        if stopped:
            # It had some of its runs only, and is clearly worse than one of the front.
            self._note(number, "stopped_early")
        self.study.tell(number, objectives)

    def _note(self, number: int, what: str) -> None:
        trial = next(t for t in self.study.get_trials(deepcopy=False) if t.number == number)
        self.study._storage.set_trial_user_attr(trial._trial_id, what, True)

    def others(self) -> list[dict]:
        """What others have on the front, or this worker before it was started again."""
        trials = [
            trial
            for trial in self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
            if "stopped_early" not in trial.user_attrs
        ]
        signs = [-1.0 if d == optuna.study.StudyDirection.MAXIMIZE else 1.0 for d in self.study.directions]
        costs = {t.number: [sign * value for sign, value in zip(signs, t.values, strict=True)] for t in trials}
        return [
            {"number": trial.number, "values": [trial.params[axis["id"]] for axis in self.axes]}
            for trial in trials
            if trial.number not in self.own
            and not any(_dominates(other, costs[trial.number]) for other in costs.values())
        ]


def _dominates(one: list[float], other: list[float]) -> bool:
    """Whether one is as good in everything and better in something, less being better."""
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def _distribution(axis: dict) -> FloatDistribution | IntDistribution:
    low, high, log = axis["low"], axis["high"], axis["log"]
    if axis["whole"]:
        return IntDistribution(int(low), int(high), log=log)
    return FloatDistribution(low, high, log=log)
