// The rates of a calibration table: thresholds between its rows are interpolated in the logarithm of the rate.

// Rows of [rate, threshold] from the least threshold to the greatest; `share` is what poor photos leave of a threshold.
export function makeRates(table, share) {
  const rows = table.far_threshold.map(([far, threshold]) => [Math.log(far), threshold * share]);
  rows.sort((a, b) => a[1] - b[1]);
  return {
    least: rows[0][1],
    greatest: rows[rows.length - 1][1],
    farAt: (threshold) => Math.exp(interpolate(rows.map(([far, at]) => [at, far]), threshold)),
    thresholdAt: (far) => interpolate(rows, Math.log(far)),
  };
}

// Linear between points in ascending order, constant beyond them.
function interpolate(points, x) {
  if (x <= points[0][0]) return points[0][1];
  for (let n = 1; n < points.length; n += 1) {
    const [[x0, y0], [x1, y1]] = [points[n - 1], points[n]];
    if (x <= x1) return y0 + ((x - x0) / (x1 - x0)) * (y1 - y0);
  }
  return points[points.length - 1][1];
}
