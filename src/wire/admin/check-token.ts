import { createHash, timingSafeEqual } from 'node:crypto';

/** Whether an `Authorization` header is `Bearer` and the token, in the same time whatever it holds. */
export function tokenCheck(token: string): (authorization: string | undefined) => boolean {
  const expected = sha256(token);
  return (authorization = '') => {
    const [, given = ''] = /^Bearer +(\S+) *$/i.exec(authorization) ?? [];
    return timingSafeEqual(sha256(given), expected);
  };
}

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
