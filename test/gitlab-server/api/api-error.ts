/**
 * What kind of refusal it is. `protocol`: no correct client gets it. `state`: it happens to a correct client, too, when
 * things changed behind its back.
 */
export type RefusalKind = 'protocol' | 'state';

/** The server refuses a request. */
export class ApiError extends Error {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly kind: RefusalKind;

  constructor(
    status: number,
    body: Readonly<Record<string, unknown>>,
    more: { readonly headers?: Readonly<Record<string, string>>; readonly kind?: RefusalKind } = {},
  ) {
    super(`${status} ${JSON.stringify(body)}`);
    this.status = status;
    this.body = body;
    this.headers = more.headers ?? {};
    this.kind = more.kind ?? 'protocol';
  }
}

/** 400 as the reader of parameters words it. */
export function badParameter(text: string): ApiError {
  return new ApiError(400, { error: text });
}

/** 403, with a reason where GitLab gives one. */
export function forbidden(reason?: string, more?: ConstructorParameters<typeof ApiError>[2]): ApiError {
  return new ApiError(403, { message: reason === undefined ? '403 Forbidden' : `403 Forbidden - ${reason}` }, more);
}

/** 404; `what` is not there. */
export function notFound(what?: string): ApiError {
  return new ApiError(404, { message: what === undefined ? '404 Not Found' : `404 ${what} Not Found` });
}
