import type { Node } from '../../syntax/node.ts';
import { filesOf, type Includer, loadFiles, mayInclude, type Place, parseOnce, readAsked } from './includer.ts';
import type { HeaderFile } from './inputs/header-files.ts';
import { type FileDocuments, type SelectedDocument, selectDocument } from './select-document.ts';

/**
 * The document of a file that holds the pipeline, with its inputs filled in; what is wrong is told.
 * @param place of the file itself.
 */
export async function readDocument(
  includer: Includer,
  file: Omit<FileDocuments, 'component' | 'variable' | 'headerFiles'>,
  place: Place,
): Promise<SelectedDocument> {
  const { origin } = place;
  const component = origin.kind === 'project' ? origin.component : undefined;
  const selected = await selectDocument({
    ...file,
    ...(component === undefined ? {} : { component }),
    variable: origin.kind === 'nowhere' ? () => undefined : includer.variable,
    headerFiles: (include) => readHeaderFiles(includer, include, place),
  });
  for (const diagnostic of selected.diagnostics) includer.report(diagnostic);
  return selected;
}

/** The files that `spec:include` names. Undefined: not all of them could be read, and that was told. */
async function readHeaderFiles(
  includer: Includer,
  include: Node,
  place: Place,
): Promise<readonly HeaderFile[] | undefined> {
  const read: HeaderFile[] = [];
  let complete = true;
  for (const asked of readAsked(includer, include, place)) {
    const files = filesOf(includer, asked, await loadFiles(includer.files, asked.request, place.origin));
    if (files === undefined) complete = false;
    for (const file of files ?? []) {
      if (!mayInclude(includer, file, asked.span, place.chain)) return undefined;
      const [node] = parseOnce(includer, file) ?? [];
      if (node === undefined) complete = false;
      else read.push({ path: file.path, node, includedAt: asked.span });
    }
  }
  return complete ? read : undefined;
}
