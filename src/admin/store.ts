import express from "express";
import type { Router } from "express";
import { z } from "zod";
import type { Accepted } from "../store/acceptance.ts";
import type { Standing } from "../store/continuity.ts";
import type { Loss } from "../store/loss.ts";

const Acceptance = z.strictObject({
  by: z.string().trim().min(1).max(200),
  why: z.string().trim().min(1).max(2_000),
});

/** How the store stands, and what an operator says about a loss, under /store. */
export function storePages(loss: Loss): Router {
  const router = express.Router();

  router.get("/store", async (_req, res) => {
    res.json(told(await loss.look()));
  });

  // JSON only: a form that a foreign page submits from an operator's browser is none.
  router.post("/store/loss-acceptance", express.json({ strict: true }), async (req, res) => {
    const accepted = await loss.accept(Acceptance.parse(req.body));
    const what = REFUSED[accepted];
    if (what === undefined) return void res.json({ outcome: accepted, ...told(loss.standing) });
    res.status(409).json({ error: accepted, what, ...told(loss.standing) });
  });

  return router;
}

const REFUSED: Record<Accepted, string | undefined> = {
  accepted: undefined,
  "not-lost": "The store did not lose anything, or another gateway was told already.",
  foreign: "This is not the store that ONCEGATE_STORE_ID names. If it is the one you mean, change the setting.",
};

function told(standing: Standing): Record<string, unknown> {
  const { kind, id } = standing;
  return { store: kind, ...(id === undefined ? {} : { id }), ...("why" in standing ? { why: standing.why } : {}) };
}
