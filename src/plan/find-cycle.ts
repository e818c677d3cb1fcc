/**
 * Finds one circle in a directed graph; linear, without recursion.
 * @param edges what each node points to; names that are no node are ignored.
 * @returns the names along the circle, the first again at the end; undefined: there is none.
 */
export function findCycle(edges: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const done = new Set<string>();
  for (const start of edges.keys()) {
    const path: { readonly name: string; next: number }[] = [];
    const onPath = new Set<string>();
    const enter = (name: string): void => {
      path.push({ name, next: 0 });
      onPath.add(name);
    };
    if (!done.has(start)) enter(start);
    while (path.length > 0) {
      const top = path.at(-1)!;
      const next = edges.get(top.name)?.[top.next++];
      if (next === undefined) {
        path.pop();
        onPath.delete(top.name);
        done.add(top.name);
      } else if (onPath.has(next)) {
        const names = path.map(({ name }) => name);
        return [...names.slice(names.indexOf(next)), next];
      } else if (!done.has(next) && edges.has(next)) enter(next);
    }
  }
  return undefined;
}
