import { diagnosticCodes } from './codes.ts';
import type { Diagnostic } from './diagnostic.ts';
import { fingerprints } from './fingerprint.ts';
import { type JsonDiagnostic, type JsonLocation, jsonDiagnostics } from './json-diagnostics.ts';
import type { Sources } from './locate.ts';

/** A path as a URI reference: SARIF takes no bare spaces or `#`. */
function toUri(file: string): string {
  return file.split('/').map(encodeURIComponent).join('/');
}

function physicalLocation({ file, line, column, endLine, endColumn }: JsonLocation): object {
  const region = line === undefined ? {} : { region: { startLine: line, startColumn: column, endLine, endColumn } };
  return { physicalLocation: { artifactLocation: { uri: toUri(file ?? ''), uriBaseId: '%SRCROOT%' }, ...region } };
}

function toResult(diagnostic: JsonDiagnostic, fingerprint: string, rules: readonly string[]): object {
  const { code, severity, message, hint, file, related = [] } = diagnostic;
  return {
    ruleId: code,
    ruleIndex: rules.indexOf(code),
    level: severity,
    message: { text: hint === undefined ? message : `${message} (${hint})` },
    locations: file === undefined ? [] : [physicalLocation(diagnostic)],
    ...(related.length === 0
      ? {}
      : { relatedLocations: related.map((note) => ({ ...physicalLocation(note), message: { text: note.message } })) }),
    partialFingerprints: { 'pipewright/v1': fingerprint },
  };
}

/**
 * The diagnostics as a SARIF 2.1.0 log (https://docs.oasis-open.org/sarif/sarif/v2.1.0/), as JSON text.
 * @param version of this program.
 */
export function sarifLog(diagnostics: readonly Diagnostic[], sources: Sources, version: string): string {
  const found = jsonDiagnostics(diagnostics, sources);
  const prints = fingerprints(found);
  const rules = [...new Set(found.map(({ code }) => code))].sort();
  const descriptions: Readonly<Record<string, string>> = diagnosticCodes;
  const driver = {
    name: 'pipewright',
    version,
    rules: rules.map((id) => ({ id, shortDescription: { text: descriptions[id] ?? id } })),
  };
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver },
        columnKind: 'utf16CodeUnits',
        results: found.map((diagnostic, index) => toResult(diagnostic, prints[index]!, rules)),
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}
