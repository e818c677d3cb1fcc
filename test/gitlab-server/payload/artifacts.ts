import type { JobDescription } from '../description.ts';
import { artifactFormats, defaultFileNames } from '../state/artifact-types.ts';

/** The entries of `artifacts`: the archive, then each report; `null` where the job has none. */
export function artifactsOf({ artifacts }: JobDescription): readonly Readonly<Record<string, unknown>>[] | null {
  if (artifacts === undefined) return null;
  const { name, untracked, paths, exclude = [], when, expireIn, reports = {} } = artifacts;
  const archive = {
    name: name ?? null,
    ...(untracked === undefined ? {} : { untracked }),
    paths: paths ?? null,
    ...(exclude.length === 0 ? {} : { exclude }),
    when: when ?? null,
    expire_in: expireIn ?? null,
    artifact_type: 'archive',
    artifact_format: 'zip',
  };
  return [
    ...(untracked === true || paths !== undefined ? [archive] : []),
    ...Object.entries(reports).map(([type, files]) => ({
      name: defaultFileNames[type] ?? null,
      paths: files,
      when: 'always',
      expire_in: expireIn ?? null,
      artifact_type: type,
      artifact_format: artifactFormats[type] ?? 'raw',
    })),
  ];
}
