"""`curves.png`: loss and accuracy, epoch by epoch."""

import io
from collections.abc import Sequence
from pathlib import Path

from photoclass.atomic import write_bytes
from photoclass.model.folder import Epoch
from photoclass.results.pictures.lettering import PLAIN, Lettering

_TRAIN_COLOUR, _VALID_COLOUR = "#8a94a6", "#d9480f"


def draw_curves(history: Sequence[Epoch], path: Path, title: str = "") -> None:
    """Draw training and validation loss and accuracy, with the best epoch marked.

    Raises:
        OutputError: The file cannot be written.
    """
    # Matplotlib's object interface needs no display and has no global state.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    figure = Figure(figsize=(11, 4.4), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    best = min(history, key=lambda row: row.val_loss)
    epochs = [row.epoch for row in history]
    marker = "o" if len(history) < 25 else None
    panels = (
        (f"Loss in nats: lowest {best.val_loss:.4f}, in epoch {best.epoch:g} (kept)", "loss", "val_loss"),
        (f"Accuracy: {best.val_accuracy:.1%} in epoch {best.epoch:g}", "accuracy", "val_accuracy"),
    )
    for axes, (heading, train_name, valid_name) in zip(figure.subplots(1, 2), panels, strict=True):
        train, valid = ([getattr(row, column) for row in history] for column in (train_name, valid_name))
        axes.plot(epochs, train, color=_TRAIN_COLOUR, marker=marker, markersize=4, label="training (augmented)")
        axes.plot(epochs, valid, color=_VALID_COLOUR, marker=marker, markersize=4, label="validation")
        axes.axvline(best.epoch, color=_VALID_COLOUR, linewidth=0.8, linestyle=":")
        at = getattr(best, valid_name)
        axes.plot([best.epoch], [at], marker="o", markersize=9, fillstyle="none", color=_VALID_COLOUR)
        axes.set_title(heading, loc="left", fontsize=11)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    figure.axes[1].yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    if title:
        lettering = Lettering.of((), [title])
        drawn = title if lettering.one_font_for(title) else PLAIN.drawable(title)
        font_file = lettering.one_font_for(drawn)
        font = Path(font_file) if font_file else None
        figure.suptitle(drawn, fontsize=12, x=0.01, ha="left", font=font, parse_math=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    write_bytes(path, buffer.getvalue())
