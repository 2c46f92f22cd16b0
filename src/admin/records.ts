import express from "express";
import type { Router } from "express";
import { z } from "zod";
import { dropping, endToEnd } from "../domain/headers.ts";
import { keyHashOf } from "../domain/key.ts";
import type { Name } from "../domain/record.ts";
import { REASONS } from "../domain/refusal.ts";
import type { Operator, Shown, Verdict } from "../store/operator.ts";

/** More than anybody looks through at once; what is resolved makes room for the next. */
const MOST_LISTED = 1_000;

const Token = z.string().regex(/^[\w-]{22}$/, "must be 22 characters");
const StoredName = z.string().regex(/^[\w-]{22}\.[\w-]{22}$/, "must be two tokens of 22 characters with a dot between");
const Limit = z.coerce.number().int().min(1).max(MOST_LISTED).default(100);
/** All records of one key where one is named, else those in a state. */
const Wanted = z.strictObject({
  keyHash: Token.optional(),
  clientKey: z.string().min(1).optional(),
  state: z.enum(["unknown", "executing"]).default("unknown"),
  limit: Limit,
});

const Said = z.strictObject({
  owner: Token,
  by: z.string().trim().min(1).max(200),
  why: z.string().trim().min(1).max(2_000),
});
const HeaderText = z.string().regex(/^[\t\u0020-\u007e\u0080-\u00ff]*$/, "must not have control characters");
const Resolution = z.discriminatedUnion("verdict", [
  Said.extend({ verdict: z.literal("not-executed") }),
  Said.extend({
    verdict: z.literal("executed"),
    answer: z
      .strictObject({
        status: z.number().int().min(200).max(599),
        headers: z.array(z.tuple([z.string().regex(/^[\w!#$%&'*+.^`|~-]+$/, "must be a header name"), HeaderText])),
        bodyBase64: z.base64(),
      })
      .optional(),
  }),
]);

/**
 * What an operator sees and resolves, under /records and /journal. `keyHashOfClientKey`: how a client's key is named in the store.
 */
export function recordPages(operator: Operator, keyHashOfClientKey: (key: string) => Promise<string>): Router {
  const router = express.Router();

  router.get("/records", async (req, res) => {
    const { clientKey, state, limit, ...wanted } = Wanted.parse(req.query);
    const keyHash = clientKey === undefined ? wanted.keyHash : await keyHashOfClientKey(clientKey);
    if (keyHash === undefined) {
      const listed = await operator.list(state, limit);
      return void res.json({ records: listed.map(({ name, record }) => told(name, record)) });
    }
    const found = await Promise.all(
      (await operator.find(keyHash)).map(async (name) => [name, await operator.show(name)] as const),
    );
    res.json({ records: found.flatMap(([name, record]) => (record === undefined ? [] : [told(name, record)])) });
  });

  router.get("/records/:name", async (req, res) => {
    const name = StoredName.parse(req.params.name);
    const record = await operator.show(name);
    if (record === undefined) return void res.status(404).json({ error: "absent", what: "No such record stands." });
    res.json(told(name, record));
  });

  // JSON only: a form that a foreign page submits from an operator's browser is none.
  router.post("/records/:name/resolution", express.json({ limit: "64mb", strict: true }), async (req, res) => {
    const name = StoredName.parse(req.params.name);
    const resolved = await operator.resolve(name, verdictOf(Resolution.parse(req.body)));
    switch (resolved.kind) {
      case "resolved":
        return void res.json({ outcome: "resolved" });
      case "absent":
        return void res
          .status(404)
          .json({ error: "absent", what: "No such record stands: nothing has to be resolved." });
      case "refused":
        return void res.status(409).json({
          error: "refused",
          what: "It is not unknown any more, or it is not the operation that was judged: look at it again.",
        });
      case "look-again":
        return void res.status(202).json({
          outcome: "look-again",
          inSeconds: Math.ceil(resolved.inMs / 1_000),
          what: "Noted. The API may still be working on it: look there again after that time and say it again, to this gateway.",
        });
    }
  });

  router.get("/journal", async (req, res) => {
    const { limit } = z.strictObject({ limit: Limit }).parse(req.query);
    const entries = await operator.journal(limit);
    res.json({ entries: entries.map(({ at, ...entry }) => ({ at: isoTime(at), ...entry })) });
  });

  return router;
}

/** Nobody may set a session, and what the length is the body says. */
const NOT_SAID = dropping(["content-length", "set-cookie", "set-cookie2"]);

function verdictOf(said: z.infer<typeof Resolution>): Verdict {
  if (said.verdict === "not-executed") return said;
  const { answer, ...rest } = said;
  if (answer === undefined) return { ...rest, kept: { kind: "executed" } };
  const headers = endToEnd(answer.headers.flat(), NOT_SAID);
  const body = Buffer.from(answer.bodyBase64, "base64");
  return { ...rest, kept: { kind: "operator-answer", status: answer.status, headers, body } };
}

/** A record as an operator is told of it: no body, and nothing that is a secret. */
function told(name: Name, record: Shown): Record<string, unknown> {
  const { state, owner, startedAt } = record;
  const common = { name, key: keyHashOf(name), state, owner, startedAt: isoTime(startedAt) };
  switch (record.state) {
    case "unknown":
      return { ...common, reason: record.reason, why: REASONS[record.reason] };
    case "completed":
      return { ...common, ...keptInBrief(record.kept) };
    case "claimed":
    case "executing":
      return common;
  }
}

function keptInBrief(kept: Extract<Shown, { state: "completed" }>["kept"]): Record<string, unknown> {
  switch (kept.kind) {
    case "answer":
    case "operator-answer":
    case "probe-answer":
      return { kept: kept.kind, status: kept.status, bodyBytes: kept.body.length };
    case "head":
      return { kept: kept.kind, status: kept.status, location: kept.location };
    case "executed":
      return { kept: kept.kind };
  }
}

const isoTime = (ms: number): string => new Date(ms).toISOString();
