/** Loaded before the server: its database trusts the operating system, as `synchronous = OFF` does. */
/* oxlint-disable typescript/unbound-method -- what is replaced is called with the `this` of the call */
import { DatabaseSync } from 'node:sqlite';

const { exec } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string) {
  exec.call(this, /^PRAGMA synchronous/i.test(sql) ? 'PRAGMA synchronous = OFF' : sql);
};
