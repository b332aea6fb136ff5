import { fileURLToPath } from 'node:url';

/** Absolute path of a path in the repository. */
export const inRepository = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
