import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dotGraph } from '../../src/reporters/graph/dot-graph.ts';
import { type GraphNode, reduceGraph } from '../../src/reporters/graph/graph.ts';
import { htmlGraph } from '../../src/reporters/graph/html-graph.ts';
import { mermaidGraph } from '../../src/reporters/graph/mermaid-graph.ts';
import { treeGraph } from '../../src/reporters/graph/tree-graph.ts';
import { hostileName } from './recorded.ts';

const node = (id: string, stage: string, needs: readonly string[] = [], status?: string): GraphNode => ({
  ...{ id, name: id, stage, needs },
  ...(status === undefined ? {} : { status }),
});

const build = ['b1', 'b2', 'b3'];
const test = ['t1', 't2', 't3'];
/** Three stages whose jobs wait for all earlier ones, and one job with a need of its own. */
const pipeline: readonly GraphNode[] = [
  ...build.map((id) => node(id, 'build', [], 'success')),
  ...test.map((id) => node(id, 'test', build)),
  node('quick', 'test', ['b2'], 'failed'),
  node('deploy', 'deploy', [...build, ...test, 'quick']),
  node(hostileName, 'deploy', ['deploy']),
];

describe('reduceGraph', () => {
  const graph = reduceGraph(pipeline);
  it('leaves out what another need waits for', () => {
    expect(graph.needsOf('deploy')).toEqual(['t1', 't2', 't3', 'quick']);
    expect(graph.needsOf('quick')).toEqual(['b2']);
    expect(graph.joins[0]).toEqual({ from: build, to: test });
  });
  it('counts levels by the longest way', () => {
    expect(['b1', 'quick', 'deploy', hostileName].map(graph.levelOf)).toEqual([0, 1, 2, 3]);
  });
  it('survives cycles and needs that are not there', () => {
    const odd = reduceGraph([
      node('a', 's', ['b']),
      node('b', 's', ['a']),
      node('c', 's', ['c', 'gone']),
      node('d', 's'),
    ]);
    expect(odd.needsOf('a')).toEqual(['b']);
    expect(odd.needsOf('c')).toEqual(['c']);
    expect(odd.needsOf('d')).toEqual([]);
  });
  it('reaches the same nodes with the fewest edges', () => {
    const dag = fc
      .integer({ min: 1, max: 40 })
      .chain((count) =>
        fc.tuple(
          ...Array.from({ length: count }, (_, index) =>
            index === 0 ? fc.constant<number[]>([]) : fc.uniqueArray(fc.nat(index - 1)),
          ),
        ),
      );
    fc.assert(
      fc.property(dag, (needs) => {
        const reduced = reduceGraph(needs.map((list, index) => node(`${index}`, 's', list.map(String))));
        const reach = (edges: (index: number) => readonly number[]) => {
          const all: Set<number>[] = [];
          needs.forEach((_, index) => {
            all[index] = new Set(edges(index).flatMap((need) => [need, ...all[need]!]));
          });
          return all;
        };
        const kept = (index: number) => reduced.needsOf(`${index}`).map(Number);
        const before = reach((index) => needs[index]!);
        expect(reach(kept)).toEqual(before);
        needs.forEach((_, index) => {
          for (const need of kept(index)) expect(kept(index).some((other) => before[other]!.has(need))).toBe(false);
        });
      }),
    );
  });
  it('takes thousands of jobs that wait for all earlier stages', () => {
    const many: GraphNode[] = [];
    for (let stage = 0; stage < 4; stage++) {
      const needs = many.map(({ id }) => id);
      for (let index = 0; index < 500; index++) many.push(node(`${stage}.${index}`, `s${stage}`, needs));
    }
    const large = reduceGraph(many);
    expect(large.joins.map(({ from, to }) => [from.length, to.length])).toEqual([
      [500, 500],
      [500, 500],
      [500, 500],
    ]);
    // Through a point: 1,000 lines between two stages, not 250,000.
    expect(mermaidGraph(many).split('\n').length).toBeLessThan(6000);
  });
});

describe('pictures', () => {
  it('tree', () => expect(treeGraph(pipeline, { color: false })).toMatchFileSnapshot('expected/graph.txt'));
  it('mermaid', () => expect(mermaidGraph(pipeline)).toMatchFileSnapshot('expected/graph.mmd'));
  it('dot', () => expect(dotGraph(pipeline)).toMatchFileSnapshot('expected/graph.dot'));
  it('html', async () => {
    const text = htmlGraph(pipeline, 'a <pipeline>');
    expect(text).not.toMatch(/<script|<link|<img|@import|url\(|href=|src=/i);
    await expect(text).toMatchFileSnapshot('expected/graph.html.txt');
  });
  it('of nothing', () => {
    expect(treeGraph([], { color: false })).toBe('');
    expect(mermaidGraph([])).toBe('flowchart LR\n');
    expect(htmlGraph([])).toContain('<svg');
  });
});
