import type { Diagnostic } from '../../../src/diagnostics/diagnostic.ts';
import { readOrbFiles } from '../../../src/dialects/circle/orb-files.ts';
import { pipelineValues } from '../../../src/dialects/circle/pipeline-values.ts';
import { type Processed, processConfig, withOrbReferences } from '../../../src/dialects/circle/process.ts';
import { scalar } from '../../../src/dialects/circle/reading.ts';
import type { Context } from '../../../src/model/context.ts';
import { type MapNode, type Scalar, toValue } from '../../../src/syntax/node.ts';
import { parseYaml } from '../../../src/syntax/parse.ts';

export interface ProcessedText {
  readonly processed: Processed;
  /** The compiled configuration as plain data. */
  readonly config: unknown;
  readonly diagnostics: readonly Diagnostic[];
}

export const circleContext = {
  source: 'push',
  git: {
    real: true,
    topLevel: '/project',
    sha: 'f'.repeat(40),
    shortSha: 'f'.repeat(8),
    beforeSha: '0'.repeat(40),
    branch: 'main',
    defaultBranch: 'main',
    message: 'Say why\n\nBecause',
    author: 'Ada <ada@example.com>',
    timestamp: '2026-01-02T03:04:05Z',
    remoteUrl: 'https://github.com/ada/engine.git',
  },
  project: { root: '/project', path: 'ada/engine', name: 'engine', namespace: 'ada' },
} as unknown as Context;

/** Compiles a text as `.circleci/config.yml`. */
export async function processText(
  text: string,
  given: {
    readonly parameters?: Readonly<Record<string, Scalar>>;
    readonly orbs?: Readonly<Record<string, string>>;
    readonly context?: Partial<Context>;
  } = {},
): Promise<ProcessedText> {
  const file = '.circleci/config.yml';
  const diagnostics: Diagnostic[] = [];
  const report = (diagnostic: Diagnostic): void => void diagnostics.push(diagnostic);
  const parsed = parseYaml(file, text, 'yaml-1.2');
  const root = parsed.value?.[0] as MapNode;
  const nowhere = { file, start: 0, end: 0 };
  const parameters = new Map(
    Object.entries(given.parameters ?? {}).map(([name, value]) => [name, scalar(value, nowhere)]),
  );
  const context = { ...circleContext, ...given.context };
  const pipeline = pipelineValues(root, context, { handed: parameters }, { report });
  const loader = {
    local: async (path: string) => {
      const source = given.orbs?.[path];
      return { value: source === undefined ? [] : [{ path, text: source }], diagnostics: [] };
    },
    foreign: async () => ({ value: undefined, diagnostics: [] }),
  };
  const filled = withOrbReferences(root, pipeline, { report });
  const orbFile = await readOrbFiles(filled, loader, report);
  const processed = processConfig(filled, { pipeline, orbFile, reading: { report } });
  return { processed, config: toValue(processed.config), diagnostics: [...parsed.diagnostics, ...diagnostics] };
}
