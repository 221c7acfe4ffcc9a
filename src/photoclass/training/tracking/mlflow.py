"""Tracking in MLflow: in RUN/mlruns, or at the tracking server given by MLFLOW_TRACKING_URI.

MLflow sends telemetry, and fetches settings from a server of its makers, unless this is switched off before it is
imported. `MlflowLog.open` does so; nothing else here imports MLflow.
"""

import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from photoclass.errors import OutputError
from photoclass.extras import load_extra
from photoclass.text import printable
from photoclass.training.tracking.base import FAILED, FINISHED, INTERRUPTED, Entry, figures_of
from photoclass.training.tracking.run_key import run_key

_EXPERIMENT = "photoclass"
_KEY_TAG = "photoclass.run"
_ENDS = {FINISHED: "FINISHED", INTERRUPTED: "KILLED", FAILED: "FAILED"}
# Limits of MLflow.
_BATCH, _LONGEST_PARAM, _LONGEST_NAME = 100, 6000, 250
_NOT_IN_NAMES = re.compile(r"[^\w\-. /]", re.ASCII)


@dataclass
class MlflowLog:
    """One MLflow run, which a resumed training finds by its key.

    Attributes:
        out: The model folder.
        uri: The user's tracking store; empty for RUN/mlruns.
        client: Client of the store; None until there is something to write, so that RUN/mlruns is not made before.
        run_id: Of the MLflow run, once it exists.
        steps: The last recorded step of each metric.
        scores: The recorded scores.
    """

    out: Path
    uri: str
    client: Any = None
    run_id: str = ""
    steps: dict[str, int] = field(default_factory=dict)
    scores: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def open(cls, out: Path) -> "MlflowLog":
        """Import MLflow; if the user has a tracking store, check that it can be reached.

        Raises:
            MissingPackageError: MLflow is not installed.
            OutputError: The user's store cannot be reached.
        """
        os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
        # Local files are the only store without a database; MLflow requires this to allow them.
        os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
        # MLflow's default of 7 would block a training for minutes.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
        load_extra("mlflow.tracking", "mlflow", "--log mlflow")  # noticed before any work if it is missing

        log = cls(out, os.environ.get("MLFLOW_TRACKING_URI", ""))
        if log.uri:
            with log._one_line_errors():
                log._connect().get_experiment_by_name(_EXPERIMENT)
        return log

    def write(self, entry: Entry) -> None:
        """Record what has not been recorded yet.

        Raises:
            OutputError: The store cannot be written or reached, or the run has been deleted there.
        """
        with self._one_line_errors():
            if not self.run_id:
                self._find_or_create_run(entry)
            for step, row in enumerate(entry.history, 1):
                self._log(figures_of(row), step)
            if entry.scores and entry.scores != self.scores:
                self._log(entry.scores, len(entry.history))
                self._log_files(entry.files)
                self.scores = entry.scores

    def close(self, how: str) -> None:
        """Record how the run ended.

        Raises:
            OutputError: The store cannot be written or reached.
        """
        if self.run_id:
            with self._one_line_errors():
                self.client.set_terminated(self.run_id, _ENDS[how])

    def _connect(self) -> Any:
        from mlflow.tracking import MlflowClient

        if self.client is None:
            self.client = MlflowClient(self.uri or (self.out / "mlruns").resolve().as_uri())
        return self.client

    def _find_or_create_run(self, entry: Entry) -> None:
        client = self._connect()
        experiment = client.get_experiment_by_name(_EXPERIMENT)
        number = experiment.experiment_id if experiment else client.create_experiment(_EXPERIMENT)
        key = run_key(self.out, "mlflow", resumable=bool(entry.history))
        found = client.search_runs([number], f"tags.`{_KEY_TAG}` = '{key}'")
        tags = {_KEY_TAG: key}
        run = found[0] if found else client.create_run(number, tags=tags, run_name=printable(self.out.resolve().name))
        self._log_params(run, entry.about)
        for name in run.data.metrics:
            self.steps[name] = max(metric.step for metric in client.get_metric_history(run.info.run_id, name))
        if found:
            client.update_run(run.info.run_id, status="RUNNING")
        self.run_id = run.info.run_id

    def _log_params(self, run: Any, about: Mapping[str, str]) -> None:
        """Log settings. MLflow does not allow changing them, so settings that a resumed run changed become tags."""
        from mlflow.entities import Param, RunTag

        about = {name: value[:_LONGEST_PARAM] for name, value in about.items()}
        new = [Param(name, value) for name, value in about.items() if name not in run.data.params]
        changed = [
            RunTag(f"resumed_with.{name}", value)
            for name, value in about.items()
            if run.data.params.get(name, value) != value
        ]
        for start in range(0, max(len(new), len(changed)), _BATCH):
            part = slice(start, start + _BATCH)
            self.client.log_batch(run.info.run_id, params=new[part], tags=changed[part])

    def _log(self, figures: Mapping[str, float], step: int) -> None:
        """Log the metrics whose step is not recorded yet."""
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        named = _allowed(figures)
        new = [Metric(name, value, now, step) for name, value in named.items() if self.steps.get(name, -1) < step]
        for start in range(0, len(new), _BATCH):
            self.client.log_batch(self.run_id, metrics=new[start : start + _BATCH])
        self.steps.update((metric.key, step) for metric in new)

    def _log_files(self, files: tuple[Path, ...]) -> None:
        folder = self.client.get_run(self.run_id).info.artifact_uri
        if not self.uri and not folder.startswith((self.out / "mlruns").resolve().as_uri()):
            raise OutputError(f"{self.out / 'mlruns'}: was started in another place, {folder}; files are not added")
        for path in files:
            self.client.log_artifact(self.run_id, str(path))

    @contextmanager
    def _one_line_errors(self) -> Iterator[None]:
        """Turn errors of MLflow into an OutputError of one line."""
        from mlflow.exceptions import MlflowException

        try:
            yield
        except (MlflowException, OSError) as error:
            where = f"MLFLOW_TRACKING_URI={self.uri}" if self.uri else str(self.out / "mlruns")
            advice = "; unset it to keep the log in RUN/mlruns" if self.uri else ""
            raise OutputError(f"{where}: {' '.join(str(error).split())[:500]}{advice}") from error


def _allowed(figures: Mapping[str, float]) -> dict[str, float]:
    """Replace characters that MLflow does not allow in names, such as those of class names; names stay unique."""
    allowed: dict[str, float] = {}
    for name, value in figures.items():
        plain = unique = _NOT_IN_NAMES.sub("_", name)[:_LONGEST_NAME].strip("/ ") or "_"
        number = 2
        while unique in allowed:
            unique, number = f"{plain[: _LONGEST_NAME - 6]}_{number}", number + 1
        allowed[unique] = value
    return allowed
