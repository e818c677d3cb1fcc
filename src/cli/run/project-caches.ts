import type { CachePort } from '../../model/ports.ts';
import { cacheStore, projectCacheDirectory } from '../../stores/cache-store.ts';
import { projectKey } from '../../stores/project-key.ts';

/** The caches of a run: each project has its own. */
export interface ProjectCaches extends AsyncDisposable {
  /** Says where a project lies, of which a pipeline is about to run. */
  add(projectPath: string, root: string): void;
  /** Of a project that was added. */
  of(projectPath: string): CachePort;
}

/** @param given.directory where all projects' caches are kept. */
export function projectCaches(given: { readonly directory: string; readonly now: () => number }): ProjectCaches {
  const stores = new Map<string, ReturnType<typeof cacheStore>>();
  return {
    add: (projectPath, root) => {
      if (stores.has(projectPath)) return;
      const directory = projectCacheDirectory(given.directory, projectKey(root));
      stores.set(projectPath, cacheStore({ directory, now: given.now }));
    },
    of: (projectPath) => stores.get(projectPath)!,
    [Symbol.asyncDispose]: async () => {
      for (const store of stores.values()) await store[Symbol.asyncDispose]();
    },
  };
}
