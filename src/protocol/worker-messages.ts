import type { JsonObject } from './json.ts';

/** What a page tells its worker. Keys are named so that the site's own messages are left alone. */
export type MessageToWorker =
  /** Answered on the port that comes with it: `WorkerVersion`. */
  | { readonly pharos: 'version' }
  /** Send what waits. */
  | { readonly pharos: 'flush' }
  /** Take the place of the older worker now. */
  | { readonly pharos: 'take-over' };

export interface WorkerVersion {
  readonly version: string;
}

/** What the worker tells all pages of its site. */
export interface MessageToPage {
  readonly pharos: 'displayed' | 'clicked' | 'dismissed';
  /** `pubid-<uuid>` */
  readonly publishId: string;
  readonly notification: JsonObject;
  readonly data: JsonObject;
  /** Of a click: `""` for the body, else the id of the button. */
  readonly action?: string;
}
