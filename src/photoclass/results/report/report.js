"use strict";
// The sliders only look up: the counts at every position were made when the report was written.
const numbers = JSON.parse(document.getElementById("numbers").textContent);

const count = (value) => value.toLocaleString("en");
const share = (part, of) => (of ? (100 * part / of).toFixed(1) + " %" : "–");
const percent = (level) => +(100 * level).toFixed(2) + " %";

function put(id, text) {
  document.getElementById(id).textContent = text;
}

function addSlider(name, levels, show) {
  const slider = document.getElementById(name);
  if (!slider) return;
  const update = () => show(levels[slider.value], +slider.value, slider);
  slider.addEventListener("input", update);
  document.getElementById(name + "-box").hidden = false;
  update();
}

addSlider("coverage", numbers.coverage.levels, (level, at, slider) => {
  const { accepted, correct, photos } = numbers.coverage;
  const condition = level ? "of at least " + percent(level) + " confidence" : "of any confidence";
  slider.setAttribute("aria-valuetext", condition);
  put("coverage-level", "Accept predictions " + condition);
  put("coverage-text", count(accepted[at]) + " of " + count(photos) + " predictions accepted (coverage " +
    share(accepted[at], photos) + "), " + count(accepted[at] - correct[at]) + " of them wrong: accuracy " +
    share(correct[at], accepted[at]) + "." +
    (accepted[at] < photos ? " " + count(photos - accepted[at]) + " are left to a person." : ""));
});

if (numbers.thresholds) {
  addSlider("threshold", numbers.thresholds.levels, (level, at, slider) => {
    const { truePositives, falsePositives, negatives, positives } = numbers.thresholds;
    const hit = truePositives[at], alarm = falsePositives[at];
    slider.setAttribute("aria-valuetext", "above " + percent(level));
    put("threshold-level", percent(level));
    put("cell-00", count(negatives - alarm));
    put("cell-01", count(alarm));
    put("cell-10", count(positives - hit));
    put("cell-11", count(hit));
    put("threshold-text", "Precision " + share(hit, hit + alarm) + ", recall " + share(hit, positives) + ", accuracy " +
      share(negatives - alarm + hit, negatives + positives) + ".");
  });
}

// Mark the section that is being read in the table of contents.
const links = new Map([...document.querySelectorAll(".contents a")].map((link) => [link.hash.slice(1), link]));
const observer = new IntersectionObserver((entries) => {
  for (const entry of entries.filter((entry) => entry.isIntersecting)) {
    for (const link of links.values()) link.removeAttribute("aria-current");
    links.get(entry.target.id).setAttribute("aria-current", "true");
  }
}, { rootMargin: "-15% 0px -75% 0px" });
for (const id of links.keys()) observer.observe(document.getElementById(id));
