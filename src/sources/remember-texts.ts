import type { LoadedFile } from '../model/included-file.ts';
import type { FileLoader } from '../model/ports.ts';

/** A loader that keeps the texts of what lies outside of the project, so that messages can show the lines they are about. */
export function rememberTexts(loader: FileLoader): {
  readonly files: FileLoader;
  /** The text of a file by its path, if it came from elsewhere. */
  readonly textOf: (path: string) => string | undefined;
} {
  const texts = new Map<string, string>();
  const keep = ({ path, text, origin }: LoadedFile): void => {
    if (origin !== undefined && origin.kind !== 'own') texts.set(path, text);
  };
  return {
    textOf: (path) => texts.get(path),
    files: {
      local: async (pattern, origin) => {
        const found = await loader.local(pattern, origin);
        for (const file of found.value ?? []) keep(file);
        return found;
      },
      foreign: async (file, origin) => {
        const found = await loader.foreign(file, origin);
        if (found.value) keep(found.value);
        return found;
      },
    },
  };
}
