import type { Measured, Side, Target } from './workload.ts';

/** `node -e 0` where the figures of seconds were measured: what turns a bound in seconds into a ratio. */
const nodeStartSeconds = 0.035;

/** Median wall time of a side, seconds. */
export function wall(measured: Measured, side: string): number {
  return measured[side]!.wall.median;
}

/** Wall time of one side is at most so many times that of another. */
export function atMostTimes(side: string, other: string, bound: number): Target {
  return {
    what: `${side} / ${other}`,
    unit: '×',
    bound,
    sense: 'at most',
    sides: [side, other],
    value: (measured) => wall(measured, side) / wall(measured, other),
  };
}

/** A side is at least so many times faster than another. */
export function timesFaster(side: string, other: string, bound: number): Target {
  return {
    what: `${other} / ${side}`,
    unit: '×',
    bound,
    sense: 'at least',
    sides: [side, other],
    value: (measured) => wall(measured, other) / wall(measured, side),
  };
}

/**
 * A bound in seconds as a ratio: so many times the start of Node, which took 0.035 s where the seconds come from. The
 * workload needs the side `start`.
 */
export function atMostSeconds(
  seconds: number,
  of: { readonly what: string; readonly sides: readonly string[]; readonly value: (measured: Measured) => number },
): Target {
  return {
    what: `${of.what} ≤ ${seconds} s where \`node -e 0\` takes ${nodeStartSeconds} s: / start`,
    unit: '×',
    bound: seconds / nodeStartSeconds,
    sense: 'at most',
    sides: [...of.sides, 'start'],
    value: (measured) => of.value(measured) / wall(measured, 'start'),
  };
}

/** The wall time of a side, for `atMostSeconds`. */
export function wallOf(side: string) {
  return { what: side, sides: [side], value: (measured: Measured) => wall(measured, side) };
}

/** Peak resident memory of a side's largest process. */
export function atMostMegabytes(side: string, bound: number): Target {
  return {
    what: `RSS of ${side}`,
    unit: 'MB',
    bound,
    sense: 'at most',
    sides: [side],
    value: (measured) => measured[side]!.rss.median,
  };
}

/** The start of Node and nothing else. */
export const nodeStart: Side = {
  role: 'limit',
  command: ({ programs, scratch }) => ({ argv: [programs.node, '-e', '0'], cwd: scratch }),
};
