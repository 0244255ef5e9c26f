// The distance scale: a line from "same" to "different", behind it how far pairs of one person and of strangers are
// apart, on it the pair as a dot and the threshold as a slider whose rate stands below in words.

import { makeRates } from "./calibration.js";
import { element, shape } from "./dom.js";
import { formatDistance, formatNumber, text } from "./texts.js";

const STEP = 0.005;
// The notes of the server begin there too: shares just below 1 are usual.
const NOTED_SHARE = 0.85;

// "1 in 1,000 strangers would pass": the number has two digits that count.
export function describeRate(far) {
  return text("scale.rate", { count: formatNumber(Number((1 / far).toPrecision(2))) });
}

// `table` is a calibration table, `share` what poor photos leave of its thresholds, `distance` that of the pair, null without
// one; `onChange` gets the threshold and its rate, which `describe` puts into words. Returns an element, and sets the
// threshold to that of the rate `far`.
export function makeDistanceScale(table, { share, distance, far, onChange, describe = describeRate }) {
  const rates = makeRates(table, share);
  const end = findEnd(table, { share, distance, greatest: rates.greatest });
  const toPercent = (value) => `${(100 * Math.min(value, end)) / end}%`;
  const line = element("div", { class: "line" });
  const measured = element("div", { class: "measured" });
  measured.style.left = toPercent(rates.least);
  measured.style.width = toPercent(rates.greatest - rates.least);
  const dot = element("div", { class: "dot", hidden: distance === null });
  dot.style.left = toPercent(distance ?? 0);
  const slider = element("div", {
    class: "threshold",
    role: "slider",
    tabindex: 0,
    "aria-label": text("scale.threshold"),
    "aria-valuemin": rates.least,
    "aria-valuemax": rates.greatest,
  });
  const words = element("p", { class: "rate", "aria-hidden": "true" });
  let threshold = 0;

  function move(value) {
    threshold = Math.min(Math.max(value, rates.least), rates.greatest);
    const rate = describe(rates.farAt(threshold));
    slider.style.left = toPercent(threshold);
    slider.setAttribute("aria-valuenow", threshold.toFixed(4));
    const value_text = text("scale.value", { threshold: formatDistance(threshold), rate });
    slider.setAttribute("aria-valuetext", value_text);
    words.textContent = `${text("scale.threshold")} ${value_text}`;
    onChange({ threshold, far: rates.farAt(threshold) });
  }

  const plot = element("div", { class: "plot" }, ...drawHistogram(table, share, end), line, measured, dot, slider);
  const placeOf = (event) => {
    const { left, width } = plot.getBoundingClientRect();
    return ((event.clientX - left) / width) * end;
  };
  let isDragged = false;
  plot.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    isDragged = true;
    plot.setPointerCapture(event.pointerId);
    slider.focus();
    event.preventDefault();
    move(placeOf(event));
  });
  plot.addEventListener("pointermove", (event) => isDragged && move(placeOf(event)));
  for (const name of ["pointerup", "pointercancel"]) plot.addEventListener(name, () => (isDragged = false));
  const keys = {
    ArrowRight: () => threshold + STEP * share,
    ArrowUp: () => threshold + STEP * share,
    ArrowLeft: () => threshold - STEP * share,
    ArrowDown: () => threshold - STEP * share,
    PageUp: () => threshold + 10 * STEP * share,
    PageDown: () => threshold - 10 * STEP * share,
    Home: () => rates.least,
    End: () => rates.greatest,
  };
  slider.addEventListener("keydown", (event) => {
    if (!keys[event.key]) return;
    event.preventDefault();
    move(keys[event.key]());
  });
  move(rates.thresholdAt(far));
  const ends = element("div", { class: "row spread muted" }, text("scale.same"), element("span", {}, text("scale.different")));
  return element("div", { class: "scale" }, plot, ends, words, ...drawLegend(table, distance, share));
}

// Where the line ends: beyond the histogram, the thresholds and the pair.
export function findEnd(table, { share, distance, greatest }) {
  const bins = table.histogram;
  const widest = bins ? bins.width * Math.max(bins.genuine.length, bins.impostors.length) * share : 1.6 * greatest;
  return Math.max(widest, 1.05 * (distance ?? 0));
}

// Two areas, each as high as its highest bar.
export function drawHistogram(table, share, end) {
  const bins = table.histogram;
  if (!bins) return [];
  const area = (counts, kind) => {
    const most = Math.max(...counts);
    const bars = counts.map((count, n) => `V${(100 - (96 * count) / most).toFixed(2)}H${(n + 1) * bins.width * share}`);
    return shape("path", { class: kind, d: `M0 100${bars.join("")}V100Z` });
  };
  const drawing = { viewBox: `0 0 ${end} 100`, preserveAspectRatio: "none", class: "histogram", "aria-hidden": "true" };
  return [shape("svg", drawing, area(bins.genuine, "genuine"), area(bins.impostors, "impostors"))];
}

function drawLegend(table, distance, share) {
  const entry = (kind, words) => element("li", {}, element("span", { class: `sample ${kind}`, "aria-hidden": "true" }), words);
  const entries = distance === null ? [] : [entry("pair", text("scale.pair", { distance: formatDistance(distance) }))];
  const { genuine_pairs: genuine, impostor_pairs: impostors, data } = table.provenance || {};
  if (table.histogram) {
    const short = (count) => formatNumber(count, { notation: "compact", maximumSignificantDigits: 3 });
    entries.push(entry("genuine", text("scale.genuine", { count: short(genuine) })));
    entries.push(entry("impostors", text("scale.impostors", { count: short(impostors) })));
  }
  const notes = [text("scale.help")];
  if (data) notes.push(text("scale.measured_on", { data }));
  if (share < NOTED_SHARE) {
    notes.push(text("scale.stricter", { share: formatNumber(share, { style: "percent" }) }));
  }
  return [element("ul", { class: "legend" }, ...entries), element("p", { class: "muted" }, notes.join(" "))];
}
