import blocks from './classic-blocks.json' with { type: 'json' };

/** The JSON blocks of the page that documents the classic webhooks: `init`, body, headers, and the body with CORS. */
const [initBlock, bodyBlock, headersBlock, corsBodyBlock] = blocks.map(({ codes }) => codes[0]?.code ?? '');

/** Keys and values of a documented body, in their order. */
export interface ClassicBody {
  readonly event: string;
  readonly id: string;
  readonly userId: string;
  readonly heading: string;
  readonly content: string;
  readonly url: string;
  readonly icon: string;
  readonly data: Readonly<Record<string, string>>;
  readonly action: string;
}

const parse = (text = ''): ClassicBody => JSON.parse(text) as ClassicBody;

/** The body that is documented for each mode. */
export const documentedBody = (cors: boolean): ClassicBody => parse(cors ? corsBodyBlock : bodyBlock);

/** The headers that a page sets: documented with CORS; without it, the browser's own `Content-Type` alone. */
export function documentedHeaders(cors: boolean, event: string): Record<string, string> {
  if (!cors) return { 'content-type': 'text/plain;charset=UTF-8' };
  const lines = (headersBlock ?? '').replace('EVENT_NAME', event).split('\n');
  return Object.fromEntries(
    lines.map((line) => line.split(': ')).map(([name = '', value = '']) => [name.toLowerCase(), value]),
  );
}

export interface InitValues {
  readonly appId: string;
  readonly cors: boolean;
  readonly displayed: string;
  readonly clicked: string;
  readonly dismissed: string;
}

/** The documented call of `init` but for the URLs, `cors`, and what stands in for the comments inside it. */
export function documentedInit({ appId, cors, displayed, clicked, dismissed }: InitValues): string {
  const urls = [displayed, clicked];
  return replaced(initBlock ?? '', [
    ['// Your other settings', `appId: '${appId}',`],
    ['cors: false,', `cors: ${cors},`],
    ['// ... follow the same format for any event in the list above', `'notification.dismissed': '${dismissed}'`],
  ]).replaceAll('YOUR_WEBHOOK_URL', () => urls.shift() ?? '');
}

function replaced(text: string, pairs: readonly (readonly [string, string])[]): string {
  return pairs.reduce((before, [from, to]) => {
    if (!before.includes(from)) throw new Error(`the documented init has no "${from}"`);
    return before.replace(from, to);
  }, text);
}
