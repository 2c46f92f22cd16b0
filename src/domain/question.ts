import { parseSource, readSource } from "./source.ts";
import type { Source, SourceInput } from "./source.ts";

/**
 * A request that only reads, which the gateway makes of a client's: its target has places for what stands in that one. `headers`: what
 * goes along besides the credential, in lower case, and where in the client's request it stands; what does not stand there is left out.
 */
export type Question = {
  method: "GET" | "HEAD";
  target: Template;
  headers: readonly { name: string; source: Source }[];
};

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

/** Servers take these for a slash, or cut a path there, encoded or not (inbound/guard.ts). */
const NOT_IN_A_SEGMENT = /[/\\\u0000-\u001f\u007f]/;
const DOT_SEGMENT = /\/\.{1,2}(?:[/;]|$)/;

/**
 * undefined where the request has not what a place asks for, or it is empty, which could ask for everything, or it would make another
 * path of the question: nothing is asked then.
 */
export function targetOf(template: Template, input: SourceInput): string | undefined {
  let target = "";
  for (const part of template) {
    if (typeof part === "string") {
      target += part;
      continue;
    }
    const text = readSource(part, input);
    if (text === undefined || text === "") return undefined;
    if (!target.includes("?") && NOT_IN_A_SEGMENT.test(text)) return undefined;
    target += encodeURIComponent(text);
  }
  const [path = ""] = target.split("?", 1);
  return DOT_SEGMENT.test(path) ? undefined : target;
}
