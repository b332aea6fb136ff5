import type { FinalOutcome } from '../../core/ports/publish-store.ts';
import type { ReportCount } from './report-counts.ts';

/** What a publish counts devices by. `triggered`: accepted, and will report that it has arrived. */
export type CountedOutcome = FinalOutcome | 'triggered' | ReportCount;
