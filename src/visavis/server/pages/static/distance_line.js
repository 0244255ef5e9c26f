// A distance on the line from "same" to "different", with the threshold as a mark that stays: to look at, not to set.

import { element } from "./dom.js";
import { drawHistogram, findEnd } from "./distance_scale.js";
import { formatDistance, text } from "./texts.js";

// `table` is a calibration table, `share` what poor photos leave of its thresholds.
export function drawDistance(table, { share, distance, threshold }) {
  const end = findEnd(table, { share, distance, greatest: threshold });
  const at = (kind, value) => {
    const mark = element("div", { class: kind });
    mark.style.left = `${(100 * value) / end}%`;
    return mark;
  };
  const line = element("div", { class: "line" });
  const marks = [at("limit", threshold), at("dot", distance)];
  const plot = element("div", { class: "plot fixed" }, ...drawHistogram(table, share, end), line, ...marks);
  const ends = element("div", { class: "row spread muted" }, text("scale.same"), element("span", {}, text("scale.different")));
  const values = { distance: formatDistance(distance), threshold: formatDistance(threshold) };
  return element("div", { class: "scale", role: "img", "aria-label": text("scale.fixed", values) }, plot, ends);
}
