/** Tells the milliseconds of processor time that this process has used since: what else the machine does is not in it. */
export function cpuTimer(): () => number {
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };
}
