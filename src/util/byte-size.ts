const units = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Bytes for people, in units of 1,000 as Docker has them: `950 B`, `1.2 kB`, `86 MB`, `2.4 GB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}
