// Where the names of faces go: beside their face, never over a face or over another name; where a photo is crowded,
// farther away with a leader line, and in the last place below the photo.

const GAP = 4;
const RINGS = 8;

// `boxes` are [left, top, right, bottom] and `sizes` {width, height}, in pixels of the photo as it is shown, whose
// width and height is `area`. Returns {x, y, leader} of each label, and the height that photo and labels take.
export function placeLabels(boxes, sizes, area) {
  const order = boxes.map((_, number) => number).sort((a, b) => boxes[a][1] - boxes[b][1] || boxes[a][0] - boxes[b][0]);
  const taken = boxes.map(grow);
  const labels = [];
  let { height } = area;
  for (const number of order) {
    const spot = findSpot(boxes[number], sizes[number], taken, area) || findBelow(boxes[number], sizes[number], taken, area);
    taken.push([spot.x, spot.y, spot.x + sizes[number].width, spot.y + sizes[number].height]);
    labels[number] = { ...spot, leader: makeLeader(boxes[number], spot, sizes[number]) };
    height = Math.max(height, spot.y + sizes[number].height);
  }
  return { labels, height };
}

const grow = ([left, top, right, bottom]) => [left - 2, top - 2, right + 2, bottom + 2];
const overlap = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

function findSpot(box, size, taken, area) {
  for (let ring = 0; ring < RINGS; ring += 1) {
    for (const [x, y] of listSpots(box, size, GAP + ring * (size.height / 2))) {
      const isInside = x >= 0 && y >= 0 && x + size.width <= area.width && y + size.height <= area.height;
      const rectangle = [x, y, x + size.width, y + size.height];
      if (isInside && !taken.some((other) => overlap(rectangle, other))) return { x, y };
    }
  }
  return null;
}

// Below, above, right and left of a box at a distance, in the middle or flush with its edges.
function listSpots([left, top, right, bottom], { width, height }, gap) {
  const [middle, level] = [(left + right - width) / 2, (top + bottom - height) / 2];
  const [above, below] = [top - gap - height, bottom + gap];
  const across = [middle, left, right - width];
  return [
    ...across.map((x) => [x, below]),
    ...across.map((x) => [x, above]),
    ...[level, top, bottom - height].flatMap((y) => [[right + gap, y], [left - gap - width, y]]),
    ...[above, below].flatMap((y) => [[right + gap, y], [left - gap - width, y]]),
  ];
}

// Below the photo, in the first row that has room at or beside the middle of the face.
function findBelow([left, , right], { width, height }, taken, area) {
  const most = Math.max(0, area.width - width);
  const middle = Math.min(Math.max((left + right - width) / 2, 0), most);
  for (let y = area.height + GAP; ; y += height + GAP) {
    for (let step = 0; step <= most + GAP; step += GAP) {
      for (const x of [middle - step, middle + step]) {
        const rectangle = [x - GAP, y, x + width + GAP, y + height];
        if (x >= 0 && x <= most && !taken.some((other) => overlap(rectangle, other))) return { x, y };
      }
    }
  }
}

// A line from the edge of the face to the label, where it is not right beside it.
function makeLeader([left, top, right, bottom], { x, y }, { width, height }) {
  const near = (low, high, value) => Math.min(Math.max(value, low), high);
  const [toX, toY] = [near(x, x + width, (left + right) / 2), near(y, y + height, (top + bottom) / 2)];
  const [fromX, fromY] = [near(left, right, toX), near(top, bottom, toY)];
  return Math.hypot(toX - fromX, toY - fromY) > 2 * GAP ? [fromX, fromY, toX, toY] : null;
}
