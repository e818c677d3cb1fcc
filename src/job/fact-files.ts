/** Who makes it ends the job after its script. No file variable is called like this. */
export function haltFile(temporaryDirectory: string): string {
  return `${temporaryDirectory}/.halt`;
}

/** Where a job's programs find how long tests took. No file variable is called like this. */
export function testTimingsFile(temporaryDirectory: string): string {
  return `${temporaryDirectory}/.test-timings`;
}
