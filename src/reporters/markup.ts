import { stripAnsi } from './terminal-text.ts';

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Text fit for XML and HTML, in elements and in quoted attributes: characters that XML 1.0 has no way to write
 * (most control characters, lone surrogates) are removed. Source: https://www.w3.org/TR/xml/#charsets
 */
export function escapeMarkup(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '')
    .replace(/[&<>"']/g, (character) => entities[character]!);
}

/** Lines of a log as escaped text without colours. */
export function escapeLines(lines: readonly string[]): string {
  return escapeMarkup(lines.map(stripAnsi).join('\n'));
}
