/** Real, or just large enough to show that everything works: for tests. */
export type Size = 'real' | 'small';

/** One of two figures. */
export function sized<T>(size: Size, real: T, small: T): T {
  return size === 'real' ? real : small;
}

/** A count as people write it: `20,000`. */
export function counted(count: number): string {
  return count.toLocaleString('en');
}
