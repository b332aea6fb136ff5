const { currentScript } = document;

/** Origin of the file that this code was loaded from; null in a module, which must name the server. */
export const scriptOrigin: string | null =
  currentScript instanceof HTMLScriptElement && currentScript.src ? new URL(currentScript.src).origin : null;
