import { parseSource, readSource } from "./source.ts";
import type { Source, SourceInput } from "./source.ts";

/** A request that only reads, which the gateway makes of a client's: its target has places for what stands in that one. */
export type Question = { method: "GET" | "HEAD"; target: Template };

/** Text and sources in turn: `/invoices?q={body:invoice_number}`. */
export type Template = readonly (string | Source)[];

/** undefined where it is no path with a query, or has a place of an unknown source. */
export function parseTemplate(text: string): Template | undefined {
  if (!/^\/[\x21-\x7e]*$/.test(text) || /[#\\]|\/\/|\/\.{1,2}(?:\/|$)/.test(text)) return undefined;
  const parts = text.split(/\{([^{}]*)\}/).map((part, i) => (i % 2 === 0 ? part : parseSource(part)));
  return parts.some((part) => part === undefined || (typeof part === "string" && /[{}]/.test(part)))
    ? undefined
    : parts.filter((part) => part !== undefined);
}

/** undefined where the request has not what a place asks for: nothing is asked then. */
export function targetOf(template: Template, input: SourceInput): string | undefined {
  let target = "";
  for (const part of template) {
    const text = typeof part === "string" ? part : readSource(part, input);
    if (text === undefined) return undefined;
    target += typeof part === "string" ? text : encodeURIComponent(text);
  }
  return target;
}
