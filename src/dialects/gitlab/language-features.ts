import { type Parts, runs, simulated } from './support.ts';

/** What belongs to the language and to no one keyword, by area, for the support matrix. */
export const languageFeatures: Parts = {
  'global/default': { state: 'runs' },
  'job/name': { state: 'runs' },
  ...runs('rules/order', 'rules/null', 'rules/all-conditions'),
  ...runs('yaml/scalars', 'yaml/duplicate-keys', 'yaml/anchors', 'yaml/merge-keys', 'yaml/reference'),
  ...runs('interpolation/inputs', 'interpolation/component', 'interpolation/matrix', 'interpolation/functions'),
  ...runs('interpolation/expand_vars', 'interpolation/truncate', 'interpolation/posix_escape'),
  ...runs('interpolation/posix_quote', 'interpolation/split'),
  ...runs('expression/variable', 'expression/string', 'expression/pattern', 'expression/null', 'expression/boolean'),
  ...runs('expression/equality', 'expression/match', 'expression/and-or', 'expression/parentheses'),
  ...runs('expression/inputs', 'expression/length'),
  ...runs('variables/precedence', 'variables/expansion', 'variables/raw', 'variables/file', 'variables/masked'),
  ...runs('variables/dotenv', 'variables/predefined'),
  'variables/GIT_STRATEGY': simulated(
    '`none` and `empty` leave the sources out; all else takes the snapshot of the run',
  ),
  'variables/GIT_DEPTH': simulated('the job has the whole history that you have'),
  'variables/GIT_SUBMODULE_STRATEGY': simulated('submodules are as they are in your working tree'),
  'variables/GIT_CLEAN_FLAGS': simulated('every job starts with a fresh directory'),
  'variables/GIT_CHECKOUT': simulated('every job starts with a fresh directory'),
  'variables/GIT_CLONE_PATH': simulated('the directory is chosen by us'),
  'variables/ATTEMPTS': simulated('sources, artifacts and caches lie on this machine'),
  'variables/FF': simulated('there is no runner to switch features of'),
  ...runs('variables/CI_DEBUG_TRACE', 'variables/CI_DEBUG_SERVICES'),
  'variables/COMPRESSION_LEVEL': simulated('nothing is compressed on this machine'),
};
