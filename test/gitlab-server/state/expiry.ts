const units: readonly (readonly [RegExp, number])[] = [
  [/^(s|secs?|seconds?)$/, 1],
  [/^(m|mins?|minutes?)$/, 60],
  [/^(h|hrs?|hours?)$/, 3600],
  [/^(d|days?)$/, 86_400],
  [/^(w|wks?|weeks?)$/, 604_800],
  [/^(mo|mos|months?)$/, 2_592_000],
  [/^(y|yrs?|years?)$/, 31_557_600],
];

/** `1 week 2 days`, `3h`, or seconds → milliseconds. `undefined`: never, or no length of time. */
export function parseDuration(text: string): number | undefined {
  if (/^\d+$/.test(text.trim())) return Number(text) * 1000;
  const parts = text.replace(/,|\band\b/g, ' ').matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/gi);
  let seconds = 0;
  let found = false;
  for (const [, count, word] of parts) {
    const unit = units.find(([pattern]) => pattern.test(word!.toLowerCase()));
    if (unit === undefined) return undefined;
    seconds += Number(count) * unit[1];
    found = true;
  }
  return found ? seconds * 1000 : undefined;
}
