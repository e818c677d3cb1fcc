/** The name of a step for a line of text: one without a name of its own is called like its command, which may be long. */
export function shortened(name: string): string {
  return name.length > 40 ? `${name.slice(0, 39)}…` : name;
}
