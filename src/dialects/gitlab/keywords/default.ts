/** Keys that `default` may hold and jobs take over. Source: https://docs.gitlab.com/ci/yaml/#default */
export const defaultKeys: readonly string[] = [
  'after_script',
  'artifacts',
  'before_script',
  'cache',
  'hooks',
  'id_tokens',
  'identity',
  'image',
  'interruptible',
  'retry',
  'services',
  'tags',
  'timeout',
];

/** Of these, the keys that may also (deprecated) stand at the top level by themselves. */
export const globalDefaultKeys: readonly string[] = ['after_script', 'before_script', 'cache', 'image', 'services'];

/** Top-level keys that are no jobs. */
export const globalKeys: ReadonlySet<string> = new Set([
  ...globalDefaultKeys,
  'default',
  'include',
  'spec',
  'stages',
  'variables',
  'workflow',
]);
