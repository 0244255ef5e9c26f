// The gallery of the page, and addresses of requests about it.

const { dataset } = document.getElementById("page");

export const gallery = dataset.gallery;
export const mayEnroll = "mayEnroll" in dataset;

export function inGallery(path, parameters = {}) {
  return `${path}?${new URLSearchParams({ gallery, ...parameters })}`;
}

// The table of thresholds of the gallery, and that of a search in it.
export const TABLE_PATH = `/v1/galleries/${encodeURIComponent(gallery)}/calibration`;
export const THRESHOLD_PATH = `/v1/galleries/${encodeURIComponent(gallery)}/threshold`;
