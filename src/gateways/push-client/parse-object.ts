import type { JsonObject, JsonValue } from '../../protocol/json.ts';

/** A JSON object, or an empty one: services' errors may be a proxy's page, and then the status alone tells. */
export function parseObject(text: string): JsonObject {
  try {
    return objectOrEmpty(JSON.parse(text) as JsonValue);
  } catch {
    return {};
  }
}

export const objectOrEmpty = (value: JsonValue | undefined): JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
