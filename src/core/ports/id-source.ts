/** Where new ids come from. */
export interface IdSource {
  /** Random UUID (v4): instances, devices, webhooks, claim tokens. */
  readonly random: () => string;
  /** Time-ordered UUID (v7): publishes, events, messages. */
  readonly timeOrdered: () => string;
}
