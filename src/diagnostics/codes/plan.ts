/** Codes of the area `plan/`, sorted, each with one line for the docs. */
export const planCodes = {
  'plan/bad-glob': 'A pattern of `changes` or `exists` is too long or too deeply nested to be used.',
  'plan/dependency-later-stage': 'A job wants the artifacts of a job that does not run before it.',
  'plan/dependency-not-needed': 'A job has `needs` and wants the artifacts of a job that is not among them.',
  'plan/duplicate-name': 'Two jobs have the same name once `parallel` is multiplied out.',
  'plan/duplicate-need': 'A job names the same need twice.',
  'plan/name-too-long': "A job's name, with the values of its matrix, is longer than 255 characters.",
  'plan/need-cycle': 'Jobs need each other in a circle.',
  'plan/need-itself': 'A job needs itself.',
  'plan/need-later-stage': 'A job needs a job of a later stage.',
  'plan/need-left-out': 'A job needs a job that its rules leave out of this pipeline.',
  'plan/project-not-mapped': '`rules:exists` asks for files of a project that is not on this machine.',
  'plan/unknown-dependency': 'A job wants the artifacts of a job that does not exist.',
  'plan/unknown-need': 'A job needs a job that does not exist.',
  'plan/unknown-revision':
    '`compare_to` of `rules:changes`, or `ref` of `rules:exists`, names no branch, tag or commit.',
  'plan/unknown-stage': 'A job names a stage that is not in `stages`.',
  'plan/unreachable-rule': 'A rule comes after one that always matches.',
  'plan/variable-cycle': 'Variables of the file refer to each other in a circle.',
} as const satisfies Readonly<Record<string, string>>;
