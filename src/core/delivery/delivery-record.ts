import type { AudienceDevice, DeliveryRecord } from '../ports/publish-store.ts';

/** What is recorded of a delivery to a device. */
export const deliveryRecord = (
  { deviceNumber, platform, userNumber, address }: AudienceDevice,
  outcome: DeliveryRecord['outcome'],
): DeliveryRecord => ({ deviceNumber, platform, userNumber, address, outcome });
