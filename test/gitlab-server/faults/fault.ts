/** What goes wrong with one request. */
export type Fault =
  /** The request is read and the connection cut; nothing was done. */
  | { readonly kind: 'drop-before' }
  /** The request is carried out and the connection cut before the answer. */
  | { readonly kind: 'drop-after' }
  /** Another answer instead; nothing was done. */
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  /** Nothing happens for a time, then the request is carried out, or the connection is cut. */
  | { readonly kind: 'hang'; readonly ms: number; readonly afterwards: 'handle' | 'drop' }
  /** Carried out at once, answered late. */
  | { readonly kind: 'late-answer'; readonly ms: number }
  /** Carried out; the head and half of the answer's body are sent, then the connection is cut. */
  | { readonly kind: 'half-response' }
  /** Half of the request's body is read, then the connection is cut; nothing was done. */
  | { readonly kind: 'half-upload' }
  /** Sent elsewhere; nothing was done. Default location: the same address. */
  | { readonly kind: 'redirect'; readonly status: 301 | 302 | 307 | 308; readonly location?: string }
  /** Carried out; the answer's body comes in pieces. */
  | { readonly kind: 'slow'; readonly pieces: number; readonly pauseMs: number }
  /** All connections are cut and the port is closed for a time; this request was or was not carried out. */
  | { readonly kind: 'restart'; readonly downMs: number; readonly when: 'before' | 'after' };

/** What is known of a request before its body is read. */
export interface FaultQuestion {
  readonly method: string;
  /** See `routes.ts`: `jobs-request`, `patch-trace`, …; `storage` and `git` for those two. */
  readonly route: string;
  readonly path: string;
  /** The id in the path. */
  readonly jobId: number | undefined;
  /** The how-manieth request with this route and id, from 0. */
  readonly nth: number;
}

/** Called once for each request, in the order they arrive. */
export type DecideFault = (question: FaultQuestion) => Fault | undefined;
