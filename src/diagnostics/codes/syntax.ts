/** Codes of the area `syntax/`, sorted, each with one line for the docs. */
export const syntaxCodes = {
  'syntax/alias-cycle': 'An alias stands inside the very value that its anchor names, so the value would have no end.',
  'syntax/bad-key': 'A key of a map is itself a map or a list.',
  'syntax/bad-merge': 'The value of a merge key `<<` is neither a map nor a list of maps.',
  'syntax/bad-reference': 'A `!reference` tag does not hold a list of names.',
  'syntax/duplicate-key': 'A map has the same key twice; the last one counts.',
  'syntax/merge-order': 'A merge key comes after a key that it also sets; GitLab lets the later one win.',
  'syntax/too-deep': 'Maps and lists are nested deeper than a pipeline file may nest them.',
  'syntax/too-large': 'The file, or what its aliases and merge keys stand for, is larger than a pipeline file may be.',
  'syntax/unknown-anchor': 'An alias names an anchor that is not defined before it.',
  'syntax/unknown-tag': 'A YAML tag means nothing here; its value is used as if the tag were not there.',
  'syntax/yaml': 'The text is not valid YAML.',
} as const satisfies Readonly<Record<string, string>>;
