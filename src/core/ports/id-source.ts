/** Where new ids come from. */
export interface IdSource {
  /** Random UUID (v4): instances, webhooks, claim tokens. */
  readonly random: () => string;
  /** Time-ordered UUID (v7): publishes, events, messages. */
  readonly timeOrdered: () => string;
  /**
   * UUID v7 that is all chance after its time, and so does not follow from its neighbours: devices, whose id is all that
   * a browser needs to speak for one.
   */
  readonly unguessable: () => string;
}
