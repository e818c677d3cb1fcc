/** A runner can't be registered, verified or removed; the message says why and what to do. */
export class RegistrationError extends Error {
  override readonly name = 'RegistrationError';
  /** `usage`: what was asked for makes no sense. `server`: the server refused, or can't be reached. */
  readonly kind: 'usage' | 'server';

  constructor(kind: RegistrationError['kind'], message: string) {
    super(message);
    this.kind = kind;
  }
}
