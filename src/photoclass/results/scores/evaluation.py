"""`Evaluation`: a score, which photos it leaves out, and what follows for decisions; as text, JSON and HTML."""

from dataclasses import dataclass
from typing import Any

from photoclass import notebook
from photoclass.photos.table import PassedOver, SkippedPhoto, unused_as_json
from photoclass.results.scores.coverage import coverage_table_html
from photoclass.results.scores.decisions import Decisions
from photoclass.results.scores.prediction_sets import PredictionSets
from photoclass.results.scores.score import Score
from photoclass.text import plural

SCHEMA = "photoclass/evaluate/1"


@dataclass(frozen=True)
class Evaluation:
    """A score, and which photos it leaves out.

    Attributes:
        score: The metrics.
        left_out_trained: Photos left out because their content trained the model.
        left_out_selected_model: Photos left out because their content selected it.
        skipped: Photos that could not be read.
        leaked_duplicates: Scored photos that are near-duplicates of training photos (data leakage); None if the model
            folder has no fingerprints of these.
        leaked_groups: Scored photos of groups of which other photos trained the model; None if the user groups nothing.
        without_leaked: The score without both; None if there are none, or no others.
        decisions: Accuracy when abstaining, and the cheapest decision threshold.
        sets: How prediction sets turned out on these photos.
        passed_over: Files in DATA that are plainly no photos.
        notes: What was assumed of DATA, one line each.
    """

    score: Score
    left_out_trained: int
    left_out_selected_model: int
    skipped: tuple[SkippedPhoto, ...]
    decisions: Decisions
    sets: PredictionSets
    leaked_duplicates: int | None = None
    leaked_groups: int | None = None
    without_leaked: Score | None = None
    passed_over: tuple[PassedOver, ...] = ()
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the values under their documented names."""
        return {
            "schema": SCHEMA,
            **self.score.as_json(),
            **self.decisions.as_json(),
            "prediction_sets": self.sets.as_json(),
            "left_out_trained": self.left_out_trained,
            "left_out_selected_model": self.left_out_selected_model,
            "leaked_duplicates": self.leaked_duplicates,
            "leaked_groups": self.leaked_groups,
            "without_leaked_duplicates": self.without_leaked.as_json() if self.without_leaked else None,
            **unused_as_json(self.skipped, self.passed_over),
            "notes": list(self.notes),
        }

    def as_text(self) -> str:
        """Return some lines of text."""
        lines = [self.score.as_text(), *(f"  {line}" for line in self._lines_on_photos())]
        return "\n".join([*lines, self.decisions.as_text(), self.sets.as_text()])

    def _lines_on_photos(self) -> list[str]:
        """Return which photos were left out, and which leaked."""
        lines = []
        if self.left_out_trained or self.left_out_selected_model:
            lines.append(
                f"left out: {plural(self.left_out_trained, 'photo')} that trained the model, "
                f"{self.left_out_selected_model:,} that selected it (--include-known scores them)"
            )
        if self.leaked_duplicates or self.leaked_groups:
            without = self.without_leaked
            rest = (
                f"without them, on {plural(without.n, 'photo')}: log loss {without.log_loss.value:.4f}, "
                f"accuracy {without.accuracy.value:.2%}"
                if without
                else "there are no others"
            )
            lines.append(f"data leakage: {self._describe_leaks()}; {rest}")
        return lines

    def _repr_html_(self) -> str:
        return notebook.card(
            self.score.title(),
            *(notebook.paragraph(line) for line in self._lines_on_photos()),
            *self.score.html_parts(),
            coverage_table_html(self.decisions.coverage),
            self.sets.html(),
            notebook.skipped_table([(item.name, item.reason) for item in self.skipped]),
        )

    def _describe_leaks(self) -> str:
        leaks = []
        if self.leaked_duplicates:
            verb = "is a near-duplicate" if self.leaked_duplicates == 1 else "are near-duplicates"
            leaks.append(f"{plural(self.leaked_duplicates, 'photo')} {verb} of photos that trained the model")
        if self.leaked_groups:
            verb = "is of a group" if self.leaked_groups == 1 else "are of groups"
            leaks.append(f"{plural(self.leaked_groups, 'photo')} {verb} of which other photos trained the model")
        return ", ".join(leaks)
