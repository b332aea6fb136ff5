import type { InstanceRecord } from '../browser/instance-record.ts';
import { beams } from './beams-global.ts';
import { scriptOrigin } from './script-origin.ts';

const ownOrigin = scriptOrigin();

/** Where reports go: the worker's file knows best, then the page, then where this script was loaded from. */
export const reportOrigin = (instance: InstanceRecord | undefined): string =>
  beams.endpointOverride || instance?.origin || ownOrigin;
