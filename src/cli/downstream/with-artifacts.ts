import type { Diagnostic } from '../../diagnostics/diagnostic.ts';
import type { Sources } from '../../diagnostics/locate.ts';
import type { FileTree } from '../../model/files.ts';
import type { FileLoader } from '../../model/ports.ts';
import { readLocalFiles } from '../../sources/local-files.ts';

/**
 * A loader that also reads files among the artifacts of jobs that have run.
 * @param fetch gives what a job uploaded; undefined: there is no such job, or it has left nothing.
 * @returns the loader, and the texts of such files by the names that messages call them.
 */
export function withArtifacts(
  loader: FileLoader,
  fetch: (job: string) => Promise<FileTree | undefined>,
): { readonly files: FileLoader; readonly sources: Sources } {
  const texts = new Map<string, string>();
  const files: FileLoader = {
    local: (pattern, origin) => loader.local(pattern, origin),
    foreign: async (file, origin) => {
      if (file.kind !== 'artifact') return loader.foreign(file, origin);
      const tree = await fetch(file.job);
      if (tree === undefined) {
        return refuse(
          `the job \`${file.job}\` has left no artifacts`,
          'it has to run before this one: name it in `needs`',
        );
      }
      const { value, diagnostics } = await readLocalFiles(tree.root, file.path.replaceAll('*', '\\*'));
      if (diagnostics.length > 0) return { value: undefined, diagnostics };
      const text = value?.[0]?.text;
      if (text === undefined) return refuse(`the artifacts of \`${file.job}\` hold no file \`${file.path}\``);
      const path = `${file.job}:${file.path}`;
      texts.set(path, text);
      return { value: { path, text }, diagnostics };
    },
  };
  return { files, sources: (file) => texts.get(file) };
}

function refuse(message: string, hint?: string): { readonly value: undefined; readonly diagnostics: Diagnostic[] } {
  const found = { code: 'gitlab/include-not-found', severity: 'error', message } as const;
  return { value: undefined, diagnostics: [{ ...found, ...(hint === undefined ? {} : { hint }) }] };
}
