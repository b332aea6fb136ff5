/** No UUID sorts before it. */
export const leastUuid = '00000000-0000-0000-0000-000000000000';
/** No UUID sorts after it. */
export const greatestUuid = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
