import type { Measured, Side, Target } from './workload.ts';

/** `node -e 0` where the bounds in seconds were measured: what turns them into ratios. */
export const nodeStartSeconds = 0.035;

/** How much more than linear a growth may be. */
const spare = 1.3;

/** What a row may say beside its formula. */
type Extra = Partial<Pick<Target, 'name' | 'peers' | 'remark'>>;

/** A value of some sides. */
interface Formula {
  readonly name: string;
  readonly side: string;
  readonly against?: string;
  readonly sides: readonly string[];
  readonly value: (measured: Measured) => number;
}

/** Median wall time of a side, seconds. */
export function wall(measured: Measured, side: string): number {
  return measured[side]!.wall.median;
}

/** The wall time of a side as a formula. */
export function wallOf(side: string, name = side): Formula {
  return { name, side, sides: [side], value: (measured) => wall(measured, side) };
}

/** Wall time of one side is at most so many times that of another. */
export function atMostTimes(side: string, against: string, bound: number, extra: Extra = {}): Target {
  return {
    name: 'time',
    side,
    against,
    unit: '×',
    bound,
    sense: 'at most',
    sides: [side, against],
    value: (measured) => wall(measured, side) / wall(measured, against),
    ...extra,
  };
}

/** A side is at least so many times faster than another. */
export function timesFaster(side: string, against: string, bound: number): Target {
  return {
    name: `faster than ${against}`,
    side,
    against,
    unit: '×',
    bound,
    sense: 'at least',
    sides: [side, against],
    value: (measured) => wall(measured, against) / wall(measured, side),
  };
}

/** A bound in seconds, held against the start of Node: the workload needs the side `start`. */
export function atMostSeconds(bound: number, formula: Formula, extra: Extra = {}): Target {
  return {
    against: 'start',
    unit: 's',
    bound,
    sense: 'at most',
    ...formula,
    ...extra,
    sides: [...formula.sides, 'start'],
  };
}

/** Peak resident memory of a side's largest process. */
export function atMostMegabytes(side: string, bound: number, extra: Extra = {}): Target {
  return {
    name: `memory of ${side}`,
    side,
    unit: 'MB',
    bound,
    sense: 'at most',
    sides: [side],
    value: (measured) => measured[side]!.rss.median,
    ...extra,
  };
}

/** The sides of a growth: `least` is the start, which is taken off both. */
interface Growth {
  readonly big: string;
  readonly small: string;
  readonly least?: string;
  /** How many times the work of `small` is in `big`. */
  readonly times: number;
}

/** Time grows no faster than the work, with something to spare. */
export function growsLinearly(growth: Growth, extra: Extra = {}): Target {
  return growthOf(growth, { name: 'growth of time', of: wall, bound: growth.times * spare, extra });
}

/** Memory grows no faster than the work, with something to spare. */
export function memoryGrowsLinearly(growth: Growth, extra: Extra = {}): Target {
  const bound = growth.times * spare;
  return { ...growthOf(growth, { name: 'growth of memory', of: memory, bound, extra }), about: 'memory' };
}

/** Memory stays what it is, however much the work. */
export function memoryIsFlat(growth: Growth, extra: Extra = {}): Target {
  const given = { name: 'growth of memory', of: memory, bound: spare, extra };
  return { ...growthOf(growth, given), about: 'memory' };
}

function growthOf(
  { big, small, least, times }: Growth,
  given: {
    readonly name: string;
    readonly of: (measured: Measured, side: string) => number;
    readonly bound: number;
    readonly extra: Extra;
  },
): Target {
  const base = (measured: Measured): number => (least === undefined ? 0 : given.of(measured, least));
  return {
    name: given.name,
    side: big,
    against: small,
    unit: '×',
    bound: given.bound,
    sense: 'at most',
    remark: `work × ${Number(times.toFixed(2))}`,
    sides: [big, small, ...(least === undefined ? [] : [least])],
    value: (measured) => (given.of(measured, big) - base(measured)) / (given.of(measured, small) - base(measured)),
    ...given.extra,
  };
}

function memory(measured: Measured, side: string): number {
  return measured[side]!.rss.median;
}

/** The start of Node and nothing else. */
export const nodeStart: Side = {
  role: 'limit',
  command: ({ programs, scratch }) => ({ argv: [programs.node, '-e', '0'], cwd: scratch }),
};
