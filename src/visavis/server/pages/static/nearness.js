// How near two faces, or groups of faces, are, in words: by the rate of strangers that are as near.

import { formatDistance, formatNumber, text } from "./texts.js";

export function describeNearness({ distance, far }) {
  if (far === null) return text("groups.distance", { distance: formatDistance(distance) });
  return text("groups.near_strangers", { count: formatNumber(Number((1 / far).toPrecision(2))) });
}
