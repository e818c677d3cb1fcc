const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** Writes a number of bytes for people, in powers of 1000 as Docker does: `812 B`, `12.3 kB`, `345 MB`, `1.2 GB`. */
export function formatBytes(bytes: number): string {
  let amount = bytes;
  let unit = 0;
  while (amount >= 999.5 && unit < units.length - 1) {
    amount /= 1000;
    unit++;
  }
  return `${unit === 0 || amount >= 99.95 ? Math.round(amount) : amount.toFixed(1)} ${units[unit]!}`;
}
