const script = document.currentScript;

/** Origin of the file that this code was loaded from; null in a module, which must name the server. */
export const scriptOrigin: string | null = script && 'src' in script && script.src ? new URL(script.src).origin : null;
