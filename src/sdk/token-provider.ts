/** Where tokens of users come from: `new TokenProvider({ url })`, or anything with this method. */
export interface UserTokens {
  readonly fetchToken: (userId: string) => Promise<{ readonly token: string }>;
}

export interface TokenProviderOptions {
  readonly url: string;
  readonly queryParams?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly credentials?: RequestCredentials;
}

/** Asks the site's auth endpoint: "`GET <url>?user_id=<id>` with `{"token"}`". */
export class TokenProvider implements UserTokens {
  readonly #options: TokenProviderOptions;

  constructor(options: TokenProviderOptions) {
    this.#options = options;
  }

  async fetchToken(userId: string): Promise<{ readonly token: string }> {
    const { url, queryParams, headers = {}, credentials = 'same-origin' } = this.#options;
    const address = new URL(url, location.href);
    for (const [name, value] of Object.entries({ user_id: userId, ...queryParams }))
      address.searchParams.set(name, value);
    const response = await fetch(address, { headers, credentials });
    if (!response.ok) throw new Error(`Pharos: ${url} answered ${response.status}`);
    return (await response.json()) as { readonly token: string };
  }
}
