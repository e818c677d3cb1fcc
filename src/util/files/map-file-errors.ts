import { explainFileError, type FileProblem } from './file-problem.ts';

/**
 * Runs `work`; an error of the operating system becomes the error that `make` makes of its explanation, everything
 * else passes as it is.
 */
export async function mapFileErrors<T>(
  context: Parameters<typeof explainFileError>[1],
  make: (problem: FileProblem, cause: unknown) => Error,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explained(error, context, make);
  }
}

/** The error that `make` makes of an error of the operating system; any other one as it is. */
export function explained(
  error: unknown,
  context: Parameters<typeof explainFileError>[1],
  make: (problem: FileProblem, cause: unknown) => Error,
): unknown {
  const problem = explainFileError(error, context);
  return problem === undefined ? error : make(problem, error);
}
