// The quality of a face as three dots, and in words with what is wrong with it.

import { element } from "./dom.js";
import { text } from "./texts.js";

const LEVELS = ["poor", "fair", "good"];

const levelOf = (quality) => Math.min(2, Math.floor(quality * 3));

export function describeQuality(face) {
  const level = levelOf(face.quality);
  const reasons = level < 2 ? (face.worst_parts || []).map((part) => text(`quality.${part}`)) : [];
  return [text(`quality.${LEVELS[level]}`), ...reasons].join(", ");
}

export function showDots(face) {
  const level = levelOf(face.quality);
  const dots = "●".repeat(level + 1) + "○".repeat(2 - level);
  return element("span", { class: `dots ${LEVELS[level]}`, "aria-hidden": "true" }, dots);
}

export function showQuality(face) {
  return element("span", { class: "quality" }, showDots(face), " ", describeQuality(face));
}
