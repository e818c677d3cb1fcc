/** Codes of the area `schema/`, sorted, each with one line for the docs. */
export const schemaCodes = {
  'schema/duplicate-item': 'A list that must not repeat itself holds the same value twice.',
  'schema/empty': 'A value that has to say something is empty.',
  'schema/empty-value': 'A keyword stands without a value and counts as not set.',
  'schema/missing-key': 'A map lacks a key that it needs.',
  'schema/not-allowed-value': 'A value is not one of those that are allowed.',
  'schema/not-together': 'Two keys stand in one map that exclude each other.',
  'schema/out-of-range': 'A number is too small or too large.',
  'schema/pattern': 'A text does not have the form that it needs.',
  'schema/too-long': 'A text is longer than it may be.',
  'schema/too-many': 'A list or map holds more entries than it may.',
  'schema/unknown-key': 'A key means nothing in this place.',
  'schema/wrong-type': 'A value is of the wrong kind: a list where a map belongs, a number where a string belongs.',
} as const satisfies Readonly<Record<string, string>>;
