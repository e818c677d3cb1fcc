import type { IncomingHttpHeaders } from 'node:http';
import type { Fault } from '../faults/fault.ts';

/** A request as it came, and what became of it. */
export interface LoggedRequest {
  readonly atMs: number;
  readonly method: string;
  /** With the relative URL, without the query. */
  readonly path: string;
  readonly query: string;
  readonly headers: IncomingHttpHeaders;
  readonly route: string;
  readonly jobId: number | undefined;
  /** Empty where it was never read whole. */
  body: Buffer;
  fault: Fault | undefined;
  /** The status that was sent or would have been; absent where nothing was decided. */
  status: number | undefined;
  /** The client went away before it was answered. */
  goneEarly: boolean;
}

/** Something that a correct client does not do. */
export interface Violation {
  /** Kebab-case: `trace-gap`, `refused-400`, … */
  readonly code: string;
  readonly message: string;
  readonly request: LoggedRequest;
}
