import type { Incoming, Parameters } from '../http/incoming.ts';
import type { Reply } from '../http/reply.ts';
import type { Store } from '../state/store.ts';
import type { LoggedRequest } from './request-log.ts';

/** One request on its way through an endpoint. */
export interface Call {
  readonly store: Store;
  readonly incoming: Incoming;
  readonly parameters: Parameters;
  /** The id in the path, as it is written there. */
  readonly id: string | undefined;
  readonly logged: LoggedRequest;
  /** `http://host:port/relative`: how the client reached the server. */
  readonly baseUrl: string;
  /** Where downloads are redirected to. */
  readonly storageUrl: string | undefined;
  /** Notes what no correct client does, although the request is carried out. */
  note(code: string, message: string): void;
}

export type Endpoint = (call: Call) => Reply | Promise<Reply>;
