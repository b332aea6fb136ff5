declare const PHAROS_SCRIPT_VERSION: string;

/** Set by the build, the same in the page's and the worker's script: a digest of the worker's sources. */
export const scriptVersion = PHAROS_SCRIPT_VERSION;
