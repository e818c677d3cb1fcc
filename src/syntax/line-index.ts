export { type LineIndex, lineIndex, type Position } from '../diagnostics/line-index.ts';
