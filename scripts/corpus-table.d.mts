export interface CorpusRow {
  readonly file: string;
  readonly lint: number;
  readonly list: number;
  readonly jobs: number | undefined;
  readonly warnings: number;
  readonly errors: readonly string[];
}
export const defaultCorpus: string;
export function corpusTable(folder: string): Promise<readonly CorpusRow[]>;
