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
    const problem = explainFileError(error, context);
    throw problem === undefined ? error : make(problem, error);
  }
}
