"""The record for MLflow: in RUN/mlruns, or at the tracking server that the user names in MLFLOW_TRACKING_URI.

MLflow tells its makers how it is used, and asks a server of theirs for settings, unless it is told not to before it is
imported. `MlflowLog.open` tells it so; nothing else here imports it.
"""

import os
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from photoclass.atomic import atomic_text
from photoclass.errors import OutputError
from photoclass.text import printable
from photoclass.training.tracking.base import FAILED, FINISHED, INTERRUPTED, Entry, figures_of

_EXPERIMENT = "photoclass"
_KEY_TAG = "photoclass.run"
_ENDS = {FINISHED: "FINISHED", INTERRUPTED: "KILLED", FAILED: "FAILED"}
# What MLflow takes at most.
_AT_ONCE, _LONGEST_PARAM, _LONGEST_NAME = 100, 6000, 250
_NOT_IN_NAMES = re.compile(r"[^\w\-. /]", re.ASCII)


@dataclass
class MlflowLog:
    """One MLflow run, which a resumed training finds again by a key of its own.

    Attributes:
        out: The model folder.
        uri: The user's store; empty for RUN/mlruns.
        client: Speaks to the store; None before there is something to write: RUN/mlruns then is not there either.
        run_id: Of the run, once it is begun.
        steps: The last step of each metric that is there.
        scores: The scores that are there.
    """

    out: Path
    uri: str
    client: Any = None
    run_id: str = ""
    steps: dict[str, int] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def open(cls, out: Path) -> "MlflowLog":
        """Import MLflow; where the user names a store, see that it answers.

        Raises:
            ImportError: MLflow is not installed.
            OutputError: The user's store cannot be reached.
        """
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        # Its local files are the only store without a database; it wants to be told that they are meant.
        os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")  # 7 of its own would stop a training for minutes
        import mlflow.tracking  # noqa: F401 - here, so that it is missed before any work

        log = cls(out, os.environ.get("MLFLOW_TRACKING_URI", ""))
        if log.uri:
            with log._refusals():
                log._connect().get_experiment_by_name(_EXPERIMENT)
        return log

    def write(self, entry: Entry) -> None:
        """Record what is not recorded yet.

        Raises:
            OutputError: The store cannot be written or reached, or the run has been deleted there.
        """
        with self._refusals():
            if not self.run_id:
                self._find_or_begin(entry)
            for step, row in enumerate(entry.history, 1):
                self._log(figures_of(row), step)
            if entry.scores and entry.scores != self.scores:
                self._log(entry.scores, len(entry.history))
                self._log_files(entry.files)
                self.scores = entry.scores

    def close(self, how: str) -> None:
        """Say how the run ended.

        Raises:
            OutputError: The store cannot be written or reached.
        """
        if self.run_id:
            with self._refusals():
                self.client.set_terminated(self.run_id, _ENDS[how])

    def _connect(self) -> Any:
        from mlflow.tracking import MlflowClient

        if self.client is None:
            self.client = MlflowClient(self.uri or (self.out / "mlruns").resolve().as_uri())
        return self.client

    def _find_or_begin(self, entry: Entry) -> None:
        client = self._connect()
        experiment = client.get_experiment_by_name(_EXPERIMENT)
        number = experiment.experiment_id if experiment else client.create_experiment(_EXPERIMENT)
        key = self._key(resumable=bool(entry.history))
        found = client.search_runs([number], f"tags.`{_KEY_TAG}` = '{key}'")
        tags = {_KEY_TAG: key}
        run = found[0] if found else client.create_run(number, tags=tags, run_name=printable(self.out.resolve().name))
        self._log_params(run, entry.about)
        for name in run.data.metrics:
            self.steps[name] = max(metric.step for metric in client.get_metric_history(run.info.run_id, name))
        if found:
            client.update_run(run.info.run_id, status="RUNNING")
        self.run_id = run.info.run_id

    def _key(self, resumable: bool) -> str:
        """Return what the run is found by; it is on disk before the run begins, so no kill makes it begin twice."""
        path = self.out / "resume" / "mlflow.txt"
        if path.is_file():
            return path.read_text(encoding="utf-8").strip()
        key = secrets.token_hex(16)
        if resumable:
            with atomic_text(path) as stream:
                stream.write(f"{key}\n")
        return key

    def _log_params(self, run: Any, about: Mapping[str, str]) -> None:
        """Log settings. MLflow lets none be changed: those that a resumed run changed become tags."""
        from mlflow.entities import Param, RunTag

        about = {name: value[:_LONGEST_PARAM] for name, value in about.items()}
        new = [Param(name, value) for name, value in about.items() if name not in run.data.params]
        changed = [
            RunTag(f"resumed_with.{name}", value)
            for name, value in about.items()
            if run.data.params.get(name, value) != value
        ]
        for start in range(0, max(len(new), len(changed)), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            self.client.log_batch(run.info.run_id, params=new[part], tags=changed[part])

    def _log(self, figures: Mapping[str, float], step: int) -> None:
        """Log those figures whose step is not there yet."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        named = _allowed(figures)
        new = [Metric(name, value, now, step) for name, value in named.items() if self.steps.get(name, -1) < step]
        for start in range(0, len(new), _AT_ONCE):
            self.client.log_batch(self.run_id, metrics=new[start : start + _AT_ONCE])
        self.steps.update((metric.key, step) for metric in new)

    def _log_files(self, files: tuple[Path, ...]) -> None:
        folder = self.client.get_run(self.run_id).info.artifact_uri
        if not self.uri and not folder.startswith((self.out / "mlruns").resolve().as_uri()):
            raise OutputError(f"{self.out / 'mlruns'}: was begun at another place, {folder}; no files are put there")
        for path in files:
            self.client.log_artifact(self.run_id, str(path))

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """Say in one line what MLflow refuses."""
        from mlflow.exceptions import MlflowException

        try:
            yield
        except (MlflowException, OSError) as error:
            where = f"MLFLOW_TRACKING_URI={self.uri}" if self.uri else str(self.out / "mlruns")
            advice = "; unset it to keep the log in RUN/mlruns" if self.uri else ""
            raise OutputError(f"{where}: {' '.join(str(error).split())[:500]}{advice}") from error


def _allowed(figures: Mapping[str, float]) -> dict[str, float]:
    """Give figures names that MLflow takes: of others, as class names may be, signs are replaced, and none is lost."""
    allowed: dict[str, float] = {}
    for name, value in figures.items():
        plain = again = _NOT_IN_NAMES.sub("_", name)[:_LONGEST_NAME].strip("/ ") or "_"
        number = 2
        while again in allowed:
            again, number = f"{plain[: _LONGEST_NAME - 6]}_{number}", number + 1
        allowed[again] = value
    return allowed
