/** An answer other than 2xx. */
export class ServerRefusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'ServerRefusal';
    this.status = status;
  }
}

export interface ServerCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly body?: object;
  readonly token?: string;
}

/** The answer's JSON, `{}` when there is none. Rejects with `ServerRefusal`, or as `fetch` does. */
export async function callServer<Answer = unknown>({ method, url, body, token }: ServerCall): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(body && { 'Content-Type': 'application/json' }),
      ...(token && { Authorization: `Bearer ${token}` }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new ServerRefusal(response.status, `Pharos: ${method} ${url}: ${response.status} ${text}`);
  return (text.trim() ? JSON.parse(text) : {}) as Answer;
}

/** The answer, or null for what the server does not know. */
export const unlessUnknown = <Answer>(answer: Promise<Answer>): Promise<Answer | null> =>
  answer.catch((error: unknown) => {
    if (error instanceof ServerRefusal && error.status === 404) return null;
    throw error;
  });
