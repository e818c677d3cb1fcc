import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { assertNever } from '../util/assert-never.ts';
import type { Reporter } from './reporter.ts';
import type { RunSummary } from './run-summary.ts';
import { summaryFold } from './summary-fold.ts';
import { writeFailure } from './system-failure.ts';

/** Names for `--report KIND=FILE`. */
export const reportKinds = ['junit', 'html', 'json'] as const;

/** One of `reportKinds`: the form of a report that is written when a run has ended. */
export type ReportKind = (typeof reportKinds)[number];

/** One `--report KIND=FILE`. */
export interface ReportFile {
  readonly kind: ReportKind;
  /** Absolute. */
  readonly path: string;
}

/** The content of a report. Each kind is loaded only when it is asked for. */
export async function renderReport(kind: ReportKind, summary: RunSummary): Promise<string> {
  switch (kind) {
    case 'junit':
      return (await import('./junit.ts')).junitReport(summary);
    case 'html':
      return (await import('./html.ts')).htmlReport(summary);
    case 'json':
      return (await import('./json-report.ts')).jsonReport(summary);
    default:
      return assertNever(kind);
  }
}

/** Writes the reports at the end of the run, whatever its result. `close` throws a SystemError that names the file. */
export function reportFilesReporter(files: readonly ReportFile[]): Reporter {
  const fold = summaryFold();
  return {
    on: (event) => fold.on(event),
    async close() {
      const summary = fold.summary();
      for (const { kind, path } of files) {
        const content = await renderReport(kind, summary);
        try {
          await mkdir(dirname(path), { recursive: true });
          await writeFile(path, content);
        } catch (error) {
          throw writeFailure(path, error);
        }
      }
    },
  };
}
