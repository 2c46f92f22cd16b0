import { parseMultipart } from "./multipart.ts";
import type { Part } from "./multipart.ts";

/** A body as its media type says it is to be read. `bytes`: anything else, and whatever cannot be read so. */
export type Content =
  | { kind: "json"; text: string }
  | { kind: "form"; fields: URLSearchParams }
  | { kind: "multipart"; parts: Part[] }
  | { kind: "bytes" };

/** Parameters of the media type (charset and the like) do not change what it is; a coded body is only bytes here. */
export function readContent(type: string | undefined, encoding: string | undefined, body: Uint8Array): Content {
  if (body.length === 0 || (encoding !== undefined && encoding.toLowerCase() !== "identity")) return { kind: "bytes" };
  const [media = ""] = (type ?? "").split(";", 1);
  const name = media.trim().toLowerCase();
  if (name === "application/json" || name.endsWith("+json")) {
    const text = utf8(body);
    return text === undefined ? { kind: "bytes" } : { kind: "json", text };
  }
  if (name === "application/x-www-form-urlencoded") {
    const text = utf8(body);
    return text === undefined ? { kind: "bytes" } : { kind: "form", fields: new URLSearchParams(text) };
  }
  if (name.startsWith("multipart/")) {
    const parts = parseMultipart(type ?? "", body);
    return parts === undefined ? { kind: "bytes" } : { kind: "multipart", parts };
  }
  return { kind: "bytes" };
}

/** A top-level field of the body as text; undefined where there is none, more than one, or one that is neither text nor a whole number that a double holds. */
export function fieldOf(content: Content, name: string): string | undefined {
  switch (content.kind) {
    case "json":
      return jsonField(content.text, name);
    case "form": {
      const values = content.fields.getAll(name);
      return values.length === 1 ? values[0] : undefined;
    }
    case "multipart": {
      const parts = content.parts.filter((part) => part.name === name && !part.isFile);
      return parts.length === 1 ? utf8(parts[0]!.body) : undefined;
    }
    case "bytes":
      return undefined;
  }
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function utf8(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}

function jsonField(text: string, name: string): string | undefined {
  const field = jsonMembers(text)?.get(name);
  return typeof field === "string" || Number.isSafeInteger(field) ? String(field) : undefined;
}

/** The members of a JSON object; undefined for anything else. A name that stands twice has its last value, as JSON.parse has it. */
export function jsonMembers(text: string): Map<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null) return undefined;
    return new Map<string, unknown>(Object.entries(value));
  } catch {
    return undefined;
  }
}
