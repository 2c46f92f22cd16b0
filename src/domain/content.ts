import { parseMultipart } from "./multipart.ts";
import type { Part } from "./multipart.ts";

/** A body as its media type says it is to be read. `bytes`: anything else, and whatever cannot be read so. */
export type Content =
  | { kind: "json"; text: string }
  | { kind: "form"; text: string; fields: URLSearchParams }
  | { kind: "multipart"; parts: Part[] }
  | { kind: "bytes" };

/**
 * Of more separators than these a body is only bytes: a megabyte of nothing else takes JSON.parse seconds and URLSearchParams a minute,
 * and everybody waits meanwhile. Invoices of hundreds of rows have thousands of values or fields.
 */
const isSlowJson = (text: string): boolean => hasMore(100_000, /[,[{]/, text);
const isSlowForm = (text: string): boolean => hasMore(10_000, /&/, text) || hasMore(1_000_000, /\+/, text);

/** Parameters of the media type (charset and the like) do not change what it is; a coded body is only bytes here. */
export function readContent(type: string | undefined, encoding: string | undefined, body: Uint8Array): Content {
  if (body.length === 0 || (encoding !== undefined && encoding.toLowerCase() !== "identity")) return { kind: "bytes" };
  const [media = ""] = (type ?? "").split(";", 1);
  const name = media.trim().toLowerCase();
  if (name === "application/json" || name.endsWith("+json")) {
    const text = utf8(body)?.replace(/^\ufeff/, ""); // which some clients send, and APIs ignore (RFC 8259, section 8.1)
    return text === undefined || isSlowJson(text) ? { kind: "bytes" } : { kind: "json", text };
  }
  if (name === "application/x-www-form-urlencoded") {
    const text = utf8(body);
    return text === undefined || isSlowForm(text)
      ? { kind: "bytes" }
      : { kind: "form", text, fields: formFields(text) };
  }
  if (name.startsWith("multipart/")) {
    const parts = parseMultipart(type ?? "", body);
    return parts === undefined ? { kind: "bytes" } : { kind: "multipart", parts };
  }
  return { kind: "bytes" };
}

function hasMore(most: number, separators: RegExp, text: string): boolean {
  if (text.length <= most) return false;
  const each = new RegExp(separators, "g");
  let count = 0;
  while (count <= most && each.test(text)) count++;
  return count > most;
}

/** The pairs of a form or a query. URLSearchParams would leave out a "?" at the beginning. */
export const formFields = (text: string): URLSearchParams => new URLSearchParams(`&${text}`);

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function utf8(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}
