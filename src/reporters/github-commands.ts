/*
 * Workflow commands of GitHub Actions.
 * Source: https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions
 */

/** Escapes the message of a workflow command. */
export function escapeData(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
}

/** Escapes the value of a property of a workflow command. */
export function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

/** One workflow command without a line end; properties that are empty are left out. */
export function workflowCommand(name: string, properties: Readonly<Record<string, string>>, message: string): string {
  const written = Object.entries(properties)
    .filter(([, value]) => value !== '')
    .map(([key, value]) => `${key}=${escapeProperty(value)}`);
  return `::${name}${written.length === 0 ? '' : ` ${written.join(',')}`}::${escapeData(message)}`;
}

/** An entry for GITHUB_OUTPUT. @param delimiter a random line that the value can't contain. */
export function outputEntry(name: string, value: string, delimiter: string): string {
  return `${name}<<${delimiter}\n${value}\n${delimiter}\n`;
}

/**
 * Text that holds something of the user's, made so that it can't be a command: the old form `##[name]` is found
 * anywhere in a line, so it is taken apart; the new one only at the begin of a line, where this text must not stand.
 */
export function inert(text: string): string {
  return text.replaceAll('##[', '## [');
}
