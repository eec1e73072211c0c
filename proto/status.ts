import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';

/** google.rpc.Status with the two details that Assay sends: one ErrorInfo and one BadRequest. */
export interface RpcStatus {
  readonly code: number;
  readonly message: string;
  /** ErrorInfo.reason; empty when there is none. */
  readonly reason: string;
  readonly violations: readonly { readonly field: string; readonly message: string }[];
}

const ERROR_INFO = 'type.googleapis.com/google.rpc.ErrorInfo';
const BAD_REQUEST = 'type.googleapis.com/google.rpc.BadRequest';
const DOMAIN = 'assay';

/** The bytes of `grpc-status-details-bin`; field numbers as in google/rpc/status.proto and error_details.proto. */
export function encodeStatus(status: RpcStatus): Uint8Array {
  const writer = new BinaryWriter().uint32(8).int32(status.code).uint32(18).string(status.message);
  const info = new BinaryWriter().uint32(10).string(status.reason).uint32(18).string(DOMAIN).finish();
  writer.uint32(26).bytes(any(ERROR_INFO, info));
  if (status.violations.length > 0) {
    const request = new BinaryWriter();
    for (const { field, message } of status.violations) {
      request
        .uint32(10)
        .bytes(new BinaryWriter().uint32(10).string(field).uint32(18).string(message).finish());
    }
    writer.uint32(26).bytes(any(BAD_REQUEST, request.finish()));
  }
  return writer.finish();
}

export function decodeStatus(bytes: Uint8Array): RpcStatus {
  const status = { code: 0, message: '', reason: '', violations: [] as { field: string; message: string }[] };
  eachField(bytes, (field, reader) => {
    if (field === 1) status.code = reader.int32();
    else if (field === 2) status.message = reader.string();
    else if (field === 3) readDetail(reader.bytes(), status);
    else return false;
    return true;
  });
  return status;
}

function readDetail(
  bytes: Uint8Array,
  status: { reason: string; violations: { field: string; message: string }[] },
): void {
  const [url, value] = pair(bytes, (reader) => reader.bytes());
  if (value === undefined) return;
  if (url === ERROR_INFO) [status.reason] = pair(value, (reader) => reader.string());
  if (url === BAD_REQUEST) {
    eachField(value, (field, reader) => {
      if (field !== 1) return false;
      const [name, message] = pair(reader.bytes(), (inner) => inner.string());
      status.violations.push({ field: name, message: message ?? '' });
      return true;
    });
  }
}

function pair<T>(bytes: Uint8Array, second: (reader: BinaryReader) => T): [string, T | undefined] {
  const found: [string, T | undefined] = ['', undefined];
  eachField(bytes, (field, reader) => {
    if (field === 1) found[0] = reader.string();
    else if (field === 2) found[1] = second(reader);
    else return false;
    return true;
  });
  return found;
}

function eachField(bytes: Uint8Array, read: (field: number, reader: BinaryReader) => boolean): void {
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (!read(field, reader)) reader.skip(wireType);
  }
}

function any(url: string, value: Uint8Array): Uint8Array {
  return new BinaryWriter().uint32(10).string(url).uint32(18).bytes(value).finish();
}
