/** What tells samples of one name apart. */
export type Labels = Readonly<Record<string, string>>;

/** One value with its labels. */
export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

/** Something that only grows. */
export interface Counter {
  /** `by` 0 makes the sample show before anything is counted. */
  add(labels: Labels, by?: number): void;
  /** In the text format. */
  text(): string;
}

/** How values are spread, such as durations in seconds. */
export interface Histogram {
  observe(labels: Labels, value: number): void;
  /** In the text format. */
  text(): string;
}

/** Some labels come from servers: what is more than this many samples of a name is not kept. */
const mostSamples = 2000;

/** Makes a counter. */
export function counter(name: string, help: string): Counter {
  const samples = new Map<string, number>();
  return {
    add(labels, by = 1) {
      const key = labelText(labels);
      const before = samples.get(key);
      if (before !== undefined || samples.size < mostSamples) samples.set(key, (before ?? 0) + by);
    },
    text: () =>
      familyText(
        { name, help, type: 'counter' },
        [...samples].map(([key, value]) => line(name, key, value)),
      ),
  };
}

/** A value that was read just now, in the text format. */
export function gaugeText(name: string, help: string, samples: readonly Sample[]): string {
  return readText({ name, help, type: 'gauge' }, samples);
}

/** The same of something that only grows and is counted elsewhere. */
export function counterText(name: string, help: string, samples: readonly Sample[]): string {
  return readText({ name, help, type: 'counter' }, samples);
}

/** Makes a histogram. @param bounds the upper bounds of its buckets, growing, without the last one, which takes all. */
export function histogram(name: string, help: string, bounds: readonly number[]): Histogram {
  const spreads = new Map<string, Spread>();
  return {
    observe(labels, value) {
      if (!Number.isFinite(value)) return;
      const key = labelText(labels);
      const before = spreads.get(key);
      if (before === undefined && spreads.size >= mostSamples) return;
      const spread = before ?? { within: bounds.map(() => 0), sum: 0, count: 0 };
      bounds.forEach((bound, at) => {
        if (value <= bound) spread.within[at]! += 1;
      });
      spread.sum += value;
      spread.count += 1;
      spreads.set(key, spread);
    },
    text: () =>
      familyText(
        { name, help, type: 'histogram' },
        [...spreads].flatMap(([key, spread]) => spreadLines({ name, key, bounds, spread })),
      ),
  };
}

interface Spread {
  /** Per bound: how many values were not above it. */
  readonly within: number[];
  sum: number;
  count: number;
}

function spreadLines(given: {
  readonly name: string;
  readonly key: string;
  readonly bounds: readonly number[];
  readonly spread: Spread;
}): readonly string[] {
  const { name, key, bounds, spread } = given;
  const bucket = (bound: string, count: number) =>
    line(`${name}_bucket`, `${key}${key === '' ? '' : ','}le="${bound}"`, count);
  return [
    ...bounds.map((bound, at) => bucket(String(bound), spread.within[at]!)),
    bucket('+Inf', spread.count),
    line(`${name}_sum`, key, spread.sum),
    line(`${name}_count`, key, spread.count),
  ];
}

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
}

function readText(family: Family, samples: readonly Sample[]): string {
  return familyText(
    family,
    samples.map(({ labels, value }) => line(family.name, labelText(labels), value)),
  );
}

/** Source: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format */
function familyText({ name, help, type }: Family, lines: readonly string[]): string {
  if (lines.length === 0) return '';
  const escaped = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return `# HELP ${name} ${escaped}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

function line(name: string, labels: string, value: number): string {
  return `${name}${labels === '' ? '' : `{${labels}}`} ${value}\n`;
}

/** In the order of their names, so that the same labels are the same text. */
function labelText(labels: Labels): string {
  return Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}="${escapedValue(value)}"`)
    .join(',');
}

function escapedValue(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
