import type { Repository } from '../../src/model/repository.ts';

/** A repository of a server's job of which nothing matters. */
export const emptyRepository: Repository = {
  url: '',
  sha: '',
  ref: '',
  refspecs: [],
  depth: 0,
  objectFormat: 'sha1',
  strategy: 'fetch',
};
