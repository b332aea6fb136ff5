/** As much of protocol buffers as Google's push connection needs: encode fields one by one, decode a flat message. */

/** Field number → its values in order: integers as bigint, everything with a length as bytes. */
export type Message = ReadonlyMap<number, readonly (bigint | Buffer)[]>;

export function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value);
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Buffer.from(bytes);
}

const key = (field: number, wireType: number): Buffer => varint((field << 3) | wireType);

export const integer = (field: number, value: number | bigint): Buffer => Buffer.concat([key(field, 0), varint(value)]);

export function fixed64(field: number, value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return Buffer.concat([key(field, 1), bytes]);
}

export function bytes(field: number, value: string | Buffer): Buffer {
  const content = Buffer.from(value);
  return Buffer.concat([key(field, 2), varint(content.length), content]);
}

/** The number at `offset` and where it ends, or null while bytes are missing. */
export function readVarint(buffer: Buffer, offset: number): { value: bigint; end: number } | null {
  let value = 0n;
  for (let at = offset, shift = 0n; at < buffer.length; at++, shift += 7n) {
    const byte = buffer.readUInt8(at);
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return { value, end: at + 1 };
  }
  return null;
}

export function decode(buffer: Buffer): Message {
  const fields = new Map<number, (bigint | Buffer)[]>();
  for (let at = 0; at < buffer.length;) {
    const head = readWhole(buffer, at);
    const { value, end } = readValue(buffer, head.end, Number(head.value & 7n));
    const field = Number(head.value >> 3n);
    fields.set(field, [...(fields.get(field) ?? []), value]);
    at = end;
  }
  return fields;
}

/** First value of a field as text; integers in decimal. */
export const text = (message: Message, field: number): string => String(message.get(field)?.[0] ?? '');

function readValue(buffer: Buffer, at: number, wireType: number): { value: bigint | Buffer; end: number } {
  if (wireType === 0) return readWhole(buffer, at);
  if (wireType === 1) return { value: buffer.readBigUInt64LE(at), end: at + 8 };
  if (wireType === 5) return { value: BigInt(buffer.readUInt32LE(at)), end: at + 4 };
  if (wireType !== 2) throw new Error(`protobuf wire type ${wireType}`);
  const length = readWhole(buffer, at);
  const end = length.end + Number(length.value);
  return { value: buffer.subarray(length.end, end), end };
}

function readWhole(buffer: Buffer, at: number): { value: bigint; end: number } {
  const number = readVarint(buffer, at);
  if (!number) throw new Error('protobuf message ends within a number');
  return number;
}
