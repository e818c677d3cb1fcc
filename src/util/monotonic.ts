/**
 * Milliseconds since some moment in the past, never going back when somebody sets the clock. As `performance.now()`,
 * without loading what Node's `performance` needs: that takes longer than a small job.
 */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
