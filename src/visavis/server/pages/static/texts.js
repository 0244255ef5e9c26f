// Texts of the catalog that the page carries, and numbers as the reader of its language writes them.

const data = document.getElementById("texts");
const texts = JSON.parse(data.textContent);
export const language = document.documentElement.lang;
// The locale of dates and numbers: that of the reader's choice, else of the language.
export const locale = document.documentElement.dataset.format || language;
const plurals = new Intl.PluralRules(language);

export const hasText = (key) => key in texts;

export function text(key, values = {}) {
  return texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

export function countText(key, count) {
  const rule = plurals.select(count) === "one" ? "one" : "other";
  return text(`${key}.${rule}`, { count: formatNumber(count) });
}

export function formatNumber(value, options) {
  return new Intl.NumberFormat(locale, options).format(value);
}

// Distances have three digits after the point.
export const formatDistance = (value) => formatNumber(value, { minimumFractionDigits: 3, maximumFractionDigits: 3 });
