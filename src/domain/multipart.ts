/** One part: its head in one spelling (fields sorted, names in lower case), what Content-Disposition calls it, and its bytes. */
export type Part = { head: string; name: string | undefined; isFile: boolean; body: Uint8Array };

const CRLF = "\r\n";
/** Real forms have tens of parts; a body of nothing but boundaries would cost more to read than to compare as bytes. */
const MAX_PARTS = 1_000;
/** Real parts have four at most. */
const MAX_LINES = 16;

/**
 * The parts of a multipart body (RFC 2046, section 5.1.1), so that two attempts can be compared although curl and FormData
 * draw a new boundary for each. undefined where the body is not whole or two readers could disagree about it.
 */
export function parseMultipart(contentType: string, body: Uint8Array): Part[] | undefined {
  const [, quoted, bare] = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))\s*(?:;|$)/i.exec(contentType) ?? [];
  const boundary = quoted ?? bare;
  if (boundary === undefined) return undefined;
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const delimiter = Buffer.from(`${CRLF}--${boundary}`, "latin1");
  const opening = `--${boundary}${CRLF}`;
  if (bytes.toString("latin1", 0, opening.length) !== opening) return undefined;

  const parts: Part[] = [];
  let at = opening.length;
  while (parts.length < MAX_PARTS) {
    const end = bytes.indexOf(delimiter, at - CRLF.length);
    if (end === -1) return undefined;
    const part = parsePart(bytes.subarray(at, end));
    if (part === undefined) return undefined;
    parts.push(part);
    at = end + delimiter.length;
    const next = bytes.toString("latin1", at, at + 2);
    if (next === "--") return /^(?:\r\n)?$/.test(bytes.toString("latin1", at + 2)) ? parts : undefined;
    if (next !== CRLF) return undefined;
    at += CRLF.length;
  }
  return undefined;
}

function parsePart(bytes: Buffer): Part | undefined {
  const end = bytes.indexOf(CRLF + CRLF);
  if (end === -1) return undefined;
  const lines = bytes.toString("latin1", 0, end).split(CRLF, MAX_LINES + 1);
  if (lines.length > MAX_LINES) return undefined;
  const fields = lines.map((line) => line.replace(/^[^:]*:\s*/, (name) => `${name.trimEnd().toLowerCase()} `));
  const disposition = fields.find((field) => field.startsWith("content-disposition: "));
  return {
    head: fields.toSorted().join(CRLF),
    name: / name="([^"]*)"/.exec(disposition ?? "")?.[1],
    isFile: / filename\*?=/.test(disposition ?? ""),
    body: bytes.subarray(end + 4),
  };
}
