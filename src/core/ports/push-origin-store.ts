import type { Command } from './command.ts';

/** Whether devices that a push service calls gone are removed: `braked`: no; `released`: yes, by the operator's word. */
export type PushOriginState = 'normal' | 'braked' | 'released';

/** A push service that is not `normal`. */
export interface PushOriginRecord {
  /** `https://host` or `https://host:port` of web push endpoints; `fcm` or `apns`. */
  readonly origin: string;
  readonly state: PushOriginState;
  readonly since: number;
}

export interface PushOriginCommands {
  /** `normal` is what an origin without a record is. */
  readonly savePushOrigins: Command<PushOriginRecord, 'saved'>;
}

export interface PushOriginQueries {
  listPushOrigins(): Promise<readonly PushOriginRecord[]>;
}
