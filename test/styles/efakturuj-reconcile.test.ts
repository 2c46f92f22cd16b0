import { beforeEach, describe, expect, test } from "@jest/globals";
import { fileURLToPath } from "node:url";
import { runCommand } from "../support/run-command.ts";
import { efakturuj, WELL } from "./efakturuj-api.ts";
import type { Behaviour } from "./efakturuj-api.ts";
import { answerJson, style } from "./style.ts";

let behaves: Behaviour;
beforeEach(() => {
  behaves = WELL;
});
const api = style(
  "efakturuj.yaml",
  efakturuj(() => (work) => behaves(work)),
);

const ACCESS = "Authorization: Bearer key_1";
const today = new Date().toISOString().slice(0, 10);
const post = (key: string | undefined, number: string, more: object = {}, access = "Bearer key_1") =>
  api.send("/invoices", {
    headers: { authorization: access, ...(key === undefined ? {} : { "idempotency-key": key }) },
    body: JSON.stringify({ invoice_number: number, issue_date: today, ...more }),
  });
const settings = () => ({
  ONCEGATE_UPSTREAM_URL: api.apiUrl,
  ONCEGATE_STORE: api.gateway.store,
  ONCEGATE_RULES: fileURLToPath(new URL("../../examples/rules/efakturuj.yaml", import.meta.url)),
});
const reconcile = (...args: string[]) => runCommand(settings(), ["reconcile", "--header", ACCESS, ...args]);

async function found(...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout } = await reconcile("--json", ...args);
  return { code, ...(JSON.parse(stdout) as object) };
}

describe("oncegate reconcile --from 24h", () => {
  test("finds nothing where every record has its invoice, over all pages of the list", async () => {
    for (let i = 0; i < 5; i++) await post(`k${i}`, `2026-${i}`);
    const { code, stdout } = await reconcile("--from", "24h");
    expect([code, stdout]).toEqual([0, expect.stringContaining("5 invoices, 5 records")]);
    expect(stdout).toContain("nothing to look at");
  });

  test("groups by organisation and invoice number: duplicates, with the request that would void the second one", async () => {
    await post(undefined, "2026-1"); // past the gateway's memory, as before it was there
    await post("k1", "2026-1");
    await post("k2", "2026-1", { organisation_id: "org_2" });
    const { code, duplicates } = await found();
    expect([code, duplicates]).toEqual([
      3,
      [
        {
          organisation: "org_1",
          number: "2026-1",
          keep: "inv_2", // which a client was told of
          others: [{ id: "inv_1", void: `POST ${api.apiUrl}/invoices/inv_1/void` }],
        },
      ],
    ]);
    expect(api.made).toHaveLength(3);
    const { stdout } = await reconcile();
    expect(stdout).toMatch(
      /duplicates \(1\)\n.*organisation +number +keep +other +would void it\n.*org_1 +2026-1 +inv_2 +inv_1 +POST/,
    );
  });

  test("reports the records without an invoice, and those of which nobody knows", async () => {
    await post("k1", "2026-1");
    behaves = ({ make, res }) => {
      make();
      answerJson(res, 500, {});
    };
    await post("k2", "2026-2");
    api.made.shift();
    const { code, withoutInvoice, unknown, invoices } = await found();
    expect([code, invoices]).toEqual([3, 1]);
    expect(withoutInvoice).toMatchObject([{ status: 201, number: "2026-1", id: "inv_1", organisation: "org_1" }]);
    expect(unknown).toMatchObject([{ reason: "unknown-status" }]);
    const { code: exit, stdout } = await reconcile();
    expect(exit).toBe(3);
    expect(stdout).toMatch(
      /^records without an invoice \(1\)\n +record +since +status.*\n.* 201 +org_1 +2026-1 +inv_1$/m,
    );
    expect(stdout).toMatch(/^unknown: look in the API, then oncegate keys resolve \(1\)\n +record +since +why\n.+$/m);
  });

  test("refusals that were stored are no invoices, and answers that name none are only counted", async () => {
    behaves = ({ res }) => answerJson(res, 409, { error: { code: "closed" } });
    await post("k1", "2026-1");
    behaves = ({ res }) => answerJson(res, 200, { accepted: true });
    await post("k2", "2026-2");
    expect(await found()).toMatchObject({ code: 0, records: 2, notCompared: 1, withoutInvoice: [] });
  });

  test("only the records of the scope of its credential are compared, unless it is everybody's list", async () => {
    await post("k1", "2026-1", {}, "Bearer key_2");
    api.made.pop();
    expect(await found()).toMatchObject({ code: 0, records: 0 });
    expect(await found("--all-scopes")).toMatchObject({ code: 3, records: 1 });
  });

  test("says what it was told wrong, and what it could not do", async () => {
    const refusing: [string[], number, RegExp][] = [
      [["--from", "yesterday"], 2, /--from must be a duration/],
      [["--header", "nonsense"], 2, /"Name: value"/],
      [["--rule", "none"], 2, /no rule says how the API lists/],
      [["--unknown"], 2, /Usage: oncegate reconcile/],
    ];
    for (const [args, code, words] of refusing)
      expect(await reconcile(...args)).toMatchObject({ code, stderr: expect.stringMatching(words) });
    expect(await runCommand(settings(), ["reconcile", "--header", "X-Api-Key: k"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("the API answered 401 to GET /invoices?from="),
    });
  });
});
