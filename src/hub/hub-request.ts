/**
 * One request to the Hub, with the token, and what its refusals mean: each message says what to do.
 */
import { ViTError } from '../error.ts';
import type { HubOptions } from './repository.ts';

/** A status that is no success: the cause of the `ViTError` about it. */
export class HubStatus extends Error {
  readonly status: number;
  /** Seconds that the Hub asks to wait, where it says so. */
  readonly retryAfter: number | undefined;
  /** Conditions have to be accepted first. */
  readonly isGated: boolean;

  constructor({ status, headers }: Response, message: string) {
    super(message);
    this.status = status;
    const seconds = Number(headers.get('retry-after') ?? Number.NaN);
    if (Number.isFinite(seconds)) this.retryAfter = seconds;
    this.isGated = headers.get('x-error-code') === 'GatedRepo';
  }
}

/**
 * @param path below the endpoint, encoded
 * @returns a response of success
 * @throws ViTError `network` with the reason in words; `bad-input` for what cannot be a token; the reason of `signal`
 */
export async function request(
  options: HubOptions,
  path: string,
  headers: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Response> {
  const { endpoint, token, tokenIn, fetch = globalThis.fetch } = options;
  if (token !== undefined && !/^(hf_|api_org)[\x21-\x7e]*$/.test(token)) {
    throw new ViTError('bad-input', `${tokenIn} is no token of the Hub: those begin with hf_.`);
  }
  // Where the Hub redirects to another host, `fetch` leaves the token out.
  const authorization = token && { authorization: `Bearer ${token}` };
  try {
    const response = await fetch(`${endpoint}${path}`, { headers: { ...headers, ...authorization }, signal });
    if (response.ok) return response;
    throw new HubStatus(response, await reasonOf(response));
  } catch (cause) {
    signal?.throwIfAborted();
    throw explain(cause, options);
  }
}

/** @returns an error with the reason in words */
export function explain(cause: unknown, options: HubOptions): ViTError {
  if (cause instanceof ViTError) return cause;
  const { endpoint } = options;
  const { message, cause: inner } = cause as Error;
  const reason = inner instanceof Error && inner.message ? inner.message : message;
  const told = cause instanceof HubStatus ? refusal(cause, options) : `${endpoint} cannot be reached: ${reason}.`;
  return new ViTError('network', told, { cause });
}

function refusal(
  { status, message, isGated }: HubStatus,
  { repo, revision, endpoint, token, tokenIn }: HubOptions,
): string {
  const where = `${endpoint}/${repo}`;
  switch (status) {
    case 401:
    case 403:
      if (isGated) {
        return `${where} is gated: accept its conditions on that page, and set ${tokenIn} to a token of the account that did. (${message})`;
      }
      return token
        ? `${where} is not open to the token of ${tokenIn}, or does not exist. Ask for access on its page. (${message})`
        : `${where} needs a token, or does not exist. Set ${tokenIn} to one of yours. (${message})`;
    case 404:
      return `There is no ${where} with revision ${revision}.`;
    case 429:
      return `${endpoint} asks to wait: too many requests. Try again later, or set ${tokenIn}.`;
  }
  return `${endpoint} answered with status ${status}: ${message}`;
}

/** The Hub says it in a header, in JSON or in plain words. */
async function reasonOf(response: Response): Promise<string> {
  const body = await response.text().catch(() => '');
  const header = response.headers.get('x-error-message');
  if (header) return header;
  try {
    const { error } = JSON.parse(body);
    if (typeof error === 'string') return error;
  } catch {
    // No JSON.
  }
  return body.slice(0, 200) || response.statusText || `status ${response.status}`;
}
