/**
 * A pattern of Go's `filepath.Match` in the words of the patterns that executors know: there `**` crosses directories,
 * braces are alternatives, and `!` turns a class around, all of which Go takes literally or as two stars.
 * Source: https://pkg.go.dev/path/filepath#Match
 */
export function goGlob(pattern: string): string {
  return pattern.replaceAll(/\\.|\*+|[{}]|\[!/gs, (part) => {
    if (part.startsWith('*')) return '*';
    if (part === '[!') return '[\\!';
    return part === '{' || part === '}' ? `\\${part}` : part;
  });
}
