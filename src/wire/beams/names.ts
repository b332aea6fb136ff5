/** "At most 164 characters of A–Z a–z 0–9 _ - = @ , . ;" */
export const isInterestName = (name: string): boolean => /^[A-Za-z0-9_\-=@,.;]{1,164}$/.test(name);

/** "Clients count bytes, characters or UTF-16 units: accept 164 UTF-16 units". */
export const maxUserIdLength = 164;

/** Unicode that every storage keeps as it is: no lone surrogates, no NUL. */
export const isPlainText = (text: string): boolean => text.isWellFormed() && !text.includes('\0');

export const isUserId = (id: string): boolean => id.length > 0 && id.length <= maxUserIdLength && isPlainText(id);
