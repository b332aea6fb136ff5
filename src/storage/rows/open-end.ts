/** Of a range whose devices are known only when it is first claimed: after every device. */
export const openEnd = Number.MAX_SAFE_INTEGER;
