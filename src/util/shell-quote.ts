/** One word of POSIX shell that stands for exactly this text (which can't hold a NUL). */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
