import { DatabaseError } from 'pg';

/**
 * Classes and codes of errors that are about the database as a whole
 * (https://www.postgresql.org/docs/current/errcodes-appendix.html).
 */
const unavailable = [
  '08', // connection
  '25006', // read-only: a replica, or a primary that stopped being one
  '25P03', // this process stood still in the middle of a transaction
  '25P04', // a transaction that took longer than the server allows
  '53', // disk full, out of memory, too many connections
  '55P03', // a lock that did not come free in time
  '57', // canceled by a timeout, shutting down, starting up
  '58', // input and output
  'XX', // internal error, corruption
];

/** There is no connection to ask on, for whatever reason: no host, no room, another password, a certificate that has expired. */
export class CannotConnect extends Error {
  override readonly name = 'CannotConnect';
}

/** The database was lost, or ended itself, before it answered a commit: nobody can tell what became of it. */
export class CommitLost extends Error {
  override readonly name = 'CommitLost';
}

/** Of two transactions that wait for each other one is rolled back: it is to be run again. */
const conflicts = ['40001', '40P01'];

export const isConflict = (error: unknown): boolean =>
  error instanceof DatabaseError && conflicts.includes(error.code ?? '');

/** A lock did not come free in time. */
export const isLockTimeout = (error: unknown): boolean => error instanceof DatabaseError && error.code === '55P03';

/** Whoever is connected there may have to connect to another server. */
export const isReadOnly = (error: unknown): error is DatabaseError =>
  error instanceof DatabaseError && error.code === '25006';

export const isForbidden = (error: unknown): boolean => error instanceof DatabaseError && error.code === '42501';

/** Whether an error says "not now" about the whole database, and not about a statement: lost connections have no code of SQL. */
export const isUnavailable = (error: unknown): boolean => {
  if (!(error instanceof DatabaseError)) return isConnectionError(error);
  return isConflict(error) || unavailable.some((start) => error.code?.startsWith(start));
};

const systemErrors = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'],
  ...['ENOENT', 'EACCES'],
]);

/**
 * Whether the connection is of no use any more. node-postgres gives lost and timed out connections no code; an error of several
 * addresses has its first one's.
 */
export function isConnectionError(error: unknown): error is Error {
  if (error instanceof CannotConnect || error instanceof CommitLost) return true;
  if (!(error instanceof Error) || error instanceof DatabaseError) return false;
  if ('code' in error && typeof error.code === 'string') return systemErrors.has(error.code);
  return /^Connection terminated|timeout|Client has encountered a connection error|Cannot use a pool after calling end|Client was closed/i.test(
    error.message,
  );
}
