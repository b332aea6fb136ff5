/** Milliseconds since 1970. Leases and due times are judged by the store's own clock, never by this one. */
export type Clock = () => number;
