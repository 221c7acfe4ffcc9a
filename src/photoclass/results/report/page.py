"""The report as one HTML page (report.html.j2, report.css, report.js)."""

from collections.abc import Callable

from markupsafe import Markup

from photoclass.metrics.intervals import Interval
from photoclass.page import Masthead, Stat, render
from photoclass.results.report import sections
from photoclass.results.report.plots import draw_range
from photoclass.results.report.report_data import ReportData
from photoclass.results.report.verdict import describe_count, shown, write_verdict
from photoclass.text import SPLIT_NAMES

_CONTENTS = (
    (
        "Results",
        (
            ("summary", "Summary"),
            ("scores", "Scores"),
            ("confusion", "Confusion matrix"),
            ("calibration", "Calibration"),
            ("loss", "Loss and accuracy"),
            ("thresholds", "Thresholds"),
            ("sets", "Prediction sets"),
        ),
    ),
    (
        "Photos",
        (
            ("mistakes", "Mistakes"),
            ("unsure", "Least confident"),
            ("sample", "Random sample"),
            ("heat", "Heat maps"),
        ),
    ),
    (
        "Model",
        (
            ("curves", "Training curves"),
            ("data", "Data"),
            ("network", "Network"),
            ("settings", "Settings"),
        ),
    ),
)


def render_report(report: ReportData) -> str:
    """Return the page."""
    verdict = write_verdict(report.info, report.scored, len(report.skipped))
    values = {
        "masthead": _masthead(report, verdict.headline),
        "contents": _CONTENTS,
        "note": shown(report.source.note, 2000) if report.source.note else "",
        "verdict": verdict,
        "class_names": [shown(name) for name in report.info.class_names],
        "photo_count": len(report.scored),
        "scores": sections.scores(report),
        "confusion": sections.confusion(report),
        "calibration": sections.calibration(report),
        "loss": sections.loss(report),
        "thresholds": sections.thresholds(report),
        "sets": sections.prediction_sets(report),
        "photos": sections.photos(report),
        "training": sections.training(report),
        "data": sections.data(report),
        "settings": sections.settings(report),
        "diagram": Markup(report.diagram),
        "describe_count": describe_count,
    }
    return render(__package__, "report.html.j2", values, ("report.css",), "report.js", (report.diagram,))


def _masthead(report: ReportData, headline: str) -> Masthead:
    names = [shown(name) for name in report.info.class_names]
    classes = " or ".join(names) if len(names) < 4 else f"{len(names)} classes"
    accuracy, loss = report.scored.score.accuracy, report.scored.score.log_loss
    correct = int(report.scored.predictions.correct.sum())
    mistakes = len(report.scored) - correct
    largest_class = int(report.scored.predictions.class_counts.max())
    return Masthead(
        title=f"{classes}: model report",
        kind="Model report",
        subject=f"{classes} · recipe {report.info.recipe}",
        headline=headline,
        stats=(
            Stat(
                "Accuracy",
                f"{100 * accuracy.value:.1f} %",
                _interval(accuracy, lambda share: f"{100 * share:.1f} %"),
                draw_range(accuracy),
                tone="wrong" if correct <= largest_class else "",
            ),
            Stat("Log loss", f"{loss.value:.4f}", _interval(loss, lambda value: f"{value:.4f}")),
            Stat(
                f"{SPLIT_NAMES[report.scored.name].capitalize()} photos",
                f"{len(report.scored):,}",
                f"{mistakes:,} misclassified" if mistakes else "none misclassified",
            ),
        ),
    )


def _interval(figure: Interval, describe: Callable[[float], str]) -> str:
    if not figure.is_known:
        return "no interval can be given"
    return f"95 % interval {describe(figure.low)} to {describe(figure.high)}"
