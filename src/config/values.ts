import { isIP } from "node:net";
import { z } from "zod";
import type { StatusRange } from "../domain/outcome.ts";
import type { ScopeSetting } from "../domain/scope.ts";
import { parseSource } from "../domain/source.ts";
import type { Source } from "../domain/source.ts";

/** How the values of settings are written in the environment. Each takes the text and yields what the program works with. */

const MILLISECONDS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const BYTES = { b: 1, kb: 1_024, mb: 1_048_576, gb: 1_073_741_824 };

/** `250ms`, `15s`, `5m`, `24h`, `30d`: milliseconds, between `from` and `to` (both included). */
export const duration = (from: string, to: string) => quantity("duration", MILLISECONDS, from, to);

/** `512b`, `64kb`, `32mb`, `1gb`: bytes, between `from` and `to` (both included). */
export const size = (from: string, to: string) => quantity("size", BYTES, from, to);

function quantity(what: string, units: Record<string, number>, from: string, to: string) {
  const names = Object.keys(units).join("|");
  const pattern = new RegExp(`^(\\d{1,12})(${names})$`, "i");
  const amount = (text: string): number => {
    const [, count, unit] = pattern.exec(text) ?? [];
    return Number(count) * (units[unit?.toLowerCase() ?? ""] ?? Number.NaN);
  };
  return z
    .string()
    .regex(pattern, `must be a ${what}: a number and one of ${names.replaceAll("|", ", ")}`)
    .meta({ bounds: `${from} to ${to}` })
    .transform(amount)
    .refine((value) => value >= amount(from) && value <= amount(to), `must be between ${from} and ${to}`);
}

export const whole = (from: number, to: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, "must be a whole number")
    .meta({ bounds: `${from} to ${to}` })
    .transform(Number)
    .refine((value) => value >= from && value <= to, `must be between ${from} and ${to}`);

export const yesNo = () => z.enum(["true", "false"], "must be true or false").transform((text) => text === "true");

export type Listen = { host: string; port: number };

/** `0.0.0.0:8080`, `[::1]:8080`; port 0 takes a free one. */
export const listen = () =>
  z
    .string()
    .regex(/^(\[[\da-f:.]+\]|[\w.-]+):\d{1,5}$/i, "must be an address and a port, 127.0.0.1:8080 for instance")
    .transform((text): Listen => {
      const colon = text.lastIndexOf(":");
      return { host: text.slice(0, colon).replaceAll(/^\[|\]$/g, ""), port: Number(text.slice(colon + 1)) };
    })
    .refine(({ port }) => port <= 65_535, "must have a port of at most 65535");

export const headerNames = () =>
  list(/^[!#$%&'*+.^`|~\w-]+$/, "must be header names, separated by commas").transform((names) =>
    names.map((name) => name.toLowerCase()),
  );

/** Methods that change something. GET and HEAD never carry an operation. */
export const methods = () => list(/^(POST|PUT|PATCH|DELETE)$/, "must be some of POST, PUT, PATCH, DELETE");

export const statuses = () =>
  list(/^[1-5]\d\d(-[1-5]\d\d)?$/, "must be statuses and ranges, 400-406,422 for instance")
    .transform((ranges) =>
      ranges.map((range): StatusRange => {
        const [from = 0, to = from] = range.split("-").map(Number);
        return [from, to];
      }),
    )
    .refine((ranges) => ranges.every(([from, to]) => from <= to), "must have ranges that go upwards");

const SOURCE_FORMS = "header:NAME, basic:username, jwt:CLAIM, body:FIELD, query:NAME, path:N";

export const scope = () =>
  z.string().transform((text, context): ScopeSetting => {
    if (text === "auto") return text;
    const sources: Source[] = [];
    for (const part of text.split(",")) {
      const source = parseSource(part.trim());
      if (source === undefined) {
        context.addIssue({ code: "custom", message: `must be auto or some of ${SOURCE_FORMS}` });
        return z.NEVER;
      }
      sources.push(source);
    }
    return sources;
  });

const KEY = /^[A-Za-z\d+/_-]{43}=?$/;

/** How answers are encrypted: 32 bytes in base64 each, or `clear`. What is wrong is told by its place: the text is a secret. */
export const encryptionKeys = () =>
  z.string().transform((text, context): (Buffer | "clear")[] => {
    const parts = text.trim().split(/\s*[,\n]\s*/);
    const refuse = (message: string): never => {
      context.addIssue({ code: "custom", message });
      return z.NEVER;
    };
    const wrong = parts.findIndex((part) => part !== "clear" && !KEY.test(part));
    if (wrong !== -1)
      return refuse(
        `must be keys of 32 bytes in base64, separated by commas, and number ${wrong + 1} is not; to make one: openssl rand -base64 32`,
      );
    if (!parts.some((part) => part !== "clear")) return refuse("must have a key besides clear");
    const keys = parts.map((part) => (part === "clear" ? part : Buffer.from(part, "base64")));
    const again = keys.findIndex((key, at) => keys.findIndex((other) => isSame(key, other)) < at);
    return again === -1 ? keys : refuse(`must not have anything twice, and number ${again + 1} was there before`);
  });

function isSame(one: Buffer | "clear", other: Buffer | "clear"): boolean {
  return one === "clear" || other === "clear" ? one === other : one.equals(other);
}

/** An address or a network: `10.0.0.0/8`, `::1`. */
export const networks = () => list({ test: isNetwork }, "must be addresses or networks, 10.0.0.0/8 for instance");

function isNetwork(text: string): boolean {
  const [, address = "", bits = "0"] = /^([\da-f.:]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? [];
  const family = isIP(address);
  return family !== 0 && Number(bits) <= (family === 4 ? 32 : 128);
}

export const upstreamUrl = () =>
  z
    .string()
    .refine((text) => isUpstream(text), "must be an http or https URL without user, query or fragment")
    .transform((text) => new URL(text));

export const webUrl = () =>
  z
    .string()
    .refine((text) => /^https?:/.test(text) && URL.canParse(text), "must be an http or https URL")
    .transform((text) => new URL(text));

function isUpstream(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return /^https?:$/.test(protocol) && username + password + search + hash === "";
}

function list(item: Pick<RegExp, "test">, message: string) {
  return z
    .string()
    .transform((text) => text.split(",").map((part) => part.trim()))
    .refine((parts) => parts.every((part) => item.test(part)), message);
}
