import { valueOf } from "./headers.ts";
import type { RawHeaders } from "./headers.ts";
import { pointed } from "./pointer.ts";

/** From and to, both included. */
export type StatusRange = readonly [number, number];

/**
 * What the upstream's answer says of the operation. `release`: it did not begin, so the key is free again; `unknown`: a proxy
 * in front of the upstream may speak, so nobody can tell; `store`: it ran, whatever came of it.
 */
export type Verdict = "store" | "release" | "unknown";

/** Something that is true of an answer or not. `among`: texts of which the value at `pointer` in its JSON is one. */
export type Condition =
  | { on: "status"; ranges: readonly StatusRange[] }
  | { on: "header"; name: string }
  | { on: "body"; pointer: string; among: readonly string[] };

/** All conditions of a line hold: that is the verdict. */
export type OutcomeLine = { verdict: Verdict; when: readonly Condition[] };

/** `json` is asked for only where a line needs it; undefined where the body is none that can be read. */
export type Judged = { status: number; headers: RawHeaders; json: () => unknown };

/** The first line that holds decides; an answer of which nothing is said is stored. */
export function judge(lines: readonly OutcomeLine[], answer: Judged): Verdict {
  return lines.find(({ when }) => when.every((condition) => holds(condition, answer)))?.verdict ?? "store";
}

function holds(condition: Condition, { status, headers, json }: Judged): boolean {
  switch (condition.on) {
    case "status":
      return condition.ranges.some(([from, to]) => from <= status && status <= to);
    case "header":
      return valueOf(headers, condition.name) !== undefined;
    case "body": {
      const text = wordOf(pointed(json(), condition.pointer));
      return text !== undefined && condition.among.includes(text);
    }
  }
}

/** 1010 and "1010" are one word: APIs write their codes either way. */
function wordOf(value: unknown): string | undefined {
  if (value === null || typeof value === "boolean" || typeof value === "number") return String(value);
  return typeof value === "string" ? value : undefined;
}

/** A 503 with Retry-After promises that a later try is welcome: it did not begin. */
const WELCOME_LATER: OutcomeLine = {
  verdict: "release",
  when: [
    { on: "status", ranges: [[503, 503]] },
    { on: "header", name: "retry-after" },
  ],
};

/**
 * What went round in a loop did not begin (RFC 5842, section 7.2): a gateway behind this one says so, and this very one where its
 * upstream leads back to it.
 */
const LOOP: StatusRange = [508, 508];

export type StatusLists = { release: readonly StatusRange[]; unknown: readonly StatusRange[] };

/** By statuses alone. One that is in both lists is unknown: a key that is freed by mistake makes a second invoice. */
export function outcomeOfStatuses({ release, unknown }: StatusLists): OutcomeLine[] {
  return [
    WELCOME_LATER,
    { verdict: "unknown", when: [{ on: "status", ranges: unknown }] },
    { verdict: "release", when: [{ on: "status", ranges: [LOOP, ...release] }] },
  ];
}
