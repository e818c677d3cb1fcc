import type { TomlFields } from './toml-fields.ts';

/** Flags that are looked at. */
const honoured: readonly string[] = [
  'FF_DISABLE_AUTOMATIC_TOKEN_ROTATION',
  'FF_EXPORT_HIGH_CARDINALITY_METRICS',
  'FF_HASH_CACHE_KEYS',
  'FF_MASK_ALL_DEFAULT_TOKENS',
  'FF_TIMESTAMPS',
  'FF_USE_ADAPTIVE_REQUEST_CONCURRENCY',
  'FF_USE_DIRECT_DOWNLOAD',
  'FF_USE_DYNAMIC_TRACE_FORCE_SEND_INTERVAL',
];

/** What they switch on is always so here. */
const always: readonly string[] = ['FF_DISABLE_UMASK_FOR_DOCKER_EXECUTOR', 'FF_NETWORK_PER_BUILD', 'FF_USE_FASTZIP'];

/** Reads `[runners.feature_flags]`; tells of those that are switched on for nothing. */
export function readFeatureFlags(fields: TomlFields): Readonly<Record<string, boolean>> {
  const flags = fields.flagMap('feature_flags');
  for (const [name, isOn] of Object.entries(flags)) {
    if (!isOn || honoured.includes(name) || always.includes(name)) continue;
    fields.problem(['feature_flags', name], 'warning', 'is not supported and does nothing');
  }
  return flags;
}

/** Names of the flags that count. */
export const countingFlags: readonly string[] = [...honoured, ...always];
