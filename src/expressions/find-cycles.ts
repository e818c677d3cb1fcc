/**
 * The strongly connected components of more than one member (Tarjan's algorithm without recursion: chains may be long),
 * each in the order of `names`.
 * @param next where the edges of a name lead; only to members of `names`.
 */
export function findCycles(
  names: readonly string[],
  next: (name: string) => readonly string[],
): readonly (readonly string[])[] {
  const cycles: string[][] = [];
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const open: string[] = [];
  const isOpen = new Set<string>();
  for (const start of names) {
    if (index.has(start)) continue;
    const calls: { readonly name: string; readonly next: readonly string[]; at: number }[] = [];
    const enter = (name: string): void => {
      index.set(name, index.size);
      low.set(name, index.get(name)!);
      open.push(name);
      isOpen.add(name);
      calls.push({ name, next: next(name), at: 0 });
    };
    enter(start);
    while (calls.length > 0) {
      const call = calls.at(-1)!;
      const to = call.next[call.at++];
      if (to !== undefined) {
        if (!index.has(to)) enter(to);
        else if (isOpen.has(to)) low.set(call.name, Math.min(low.get(call.name)!, index.get(to)!));
        continue;
      }
      calls.pop();
      const caller = calls.at(-1);
      if (caller) low.set(caller.name, Math.min(low.get(caller.name)!, low.get(call.name)!));
      if (low.get(call.name) !== index.get(call.name)) continue;
      const component = open.splice(open.lastIndexOf(call.name));
      for (const name of component) isOpen.delete(name);
      if (component.length > 1) cycles.push(component);
    }
  }
  if (cycles.length === 0) return cycles;
  const position = new Map(names.map((name, at) => [name, at]));
  return cycles.map((cycle) => cycle.sort((a, b) => position.get(a)! - position.get(b)!));
}
