import { escapeMarkup } from './markup.ts';
import { stripAnsi } from './terminal-text.ts';

/** Colours of both themes and the looks that the report and the graph share. */
const style = `
:root { color-scheme: light dark; --fg: #1f2328; --bg: #fff; --soft: #f2f4f6; --line: #d0d7de; --muted: #656d76;
  --success: #1a7f37; --failed: #cf222e; --allowed: #9a6700; --canceled: #9a6700; --skipped: #8c959f; --manual: #0969da;
  --waiting: #8c959f; --running: #0969da }
@media (prefers-color-scheme: dark) { :root { --fg: #e6edf3; --bg: #0d1117; --soft: #161b22; --line: #30363d;
  --muted: #8d96a0; --success: #3fb950; --failed: #f85149; --allowed: #d29922; --canceled: #d29922; --skipped: #6e7681;
  --manual: #4493f8; --waiting: #6e7681; --running: #4493f8 } }
body { font: 14px/1.5 system-ui, sans-serif; color: var(--fg); background: var(--bg); margin: 2rem auto; padding: 0 1rem; max-width: 80rem }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top }
td.time { text-align: right; white-space: nowrap } .muted { color: var(--muted) }
pre { background: var(--soft); padding: .8rem; overflow-x: auto; font: 12px/1.45 ui-monospace, monospace }
.bar { position: relative; height: 1em; min-width: 14rem; background: var(--soft) } .bar i { position: absolute; top: 0; bottom: 0; min-width: 2px; background: var(--muted) }
`;

/** One self-contained page: no script, nothing loaded from anywhere. @param extraStyle more CSS of our own. */
export function htmlPage(title: string, body: string, extraStyle = ''): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${htmlText(title)}</title>
<style>${style}${extraStyle}</style>
</head>
<body>
${body}
</body>
</html>
`;
}

/** One line of the user's text, fit for an element or a quoted attribute. */
export function htmlText(text: string): string {
  return escapeMarkup(stripAnsi(text));
}
