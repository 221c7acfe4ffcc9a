"use strict";
// The sliders only look up: every place of theirs was counted when the report was written.
const numbers = JSON.parse(document.getElementById("numbers").textContent);

const count = (value) => value.toLocaleString("en");
const share = (part, of) => (of ? (100 * part / of).toFixed(1) + " %" : "–");
const percent = (level) => +(100 * level).toFixed(2) + " %";

function slide(name, levels, tell) {
  const slider = document.getElementById(name);
  if (!slider) return;
  const show = () => tell(levels[slider.value], +slider.value, slider);
  slider.addEventListener("input", show);
  document.getElementById(name + "-box").hidden = false;
  show();
}

function put(id, text) {
  document.getElementById(id).textContent = text;
}

slide("coverage", numbers.coverage.levels, (level, at, slider) => {
  const { answered, right, photos } = numbers.coverage;
  const wrong = answered[at] - right[at];
  const words = level ? "at least " + percent(level) + " sure" : "";
  slider.setAttribute("aria-valuetext", words || "every photo");
  put("coverage-level", words ? "Answer only when " + words : "Answer every photo");
  put("coverage-told", count(answered[at]) + " of " + count(photos) + " photos answered (" +
    share(answered[at], photos) + "), " + count(wrong) + " of them wrongly: " + share(right[at], answered[at]) +
    " right." + (answered[at] < photos ? " " + count(photos - answered[at]) + " are left to a person." : ""));
});

if (numbers.thresholds) {
  slide("threshold", numbers.thresholds.levels, (level, at, slider) => {
    const { hits, falseAlarms, firsts, seconds } = numbers.thresholds;
    const hit = hits[at], alarm = falseAlarms[at];
    slider.setAttribute("aria-valuetext", "above " + percent(level));
    put("threshold-level", percent(level));
    put("cell-00", count(firsts - alarm));
    put("cell-01", count(alarm));
    put("cell-10", count(seconds - hit));
    put("cell-11", count(hit));
    put("threshold-told", "Precision " + share(hit, hit + alarm) + ", recall " + share(hit, seconds) + "; " +
      share(firsts - alarm + hit, firsts + seconds) + " of all classified correctly.");
  });
}
