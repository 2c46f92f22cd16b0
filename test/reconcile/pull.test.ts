import { describe, expect, test } from "@jest/globals";
import type { Listing } from "../../src/domain/reconciliation.ts";
import { pull } from "../../src/reconcile/pull.ts";
import type { Upstream } from "../../src/upstream/execute.ts";

const LISTING: Listing = {
  target: "/invoices?from={from}&day={date}&page={page}",
  invoices: "/data",
  next: "/next",
  id: "/id",
  number: "/number",
  organisation: undefined,
  voiding: undefined,
};
const FROM = new Date("2026-11-21T08:00:00Z");

/** An API that answers page after page so; `asked` are their targets. */
function api(...pages: ({ status?: number; document?: unknown } | "lost")[]) {
  const asked: string[] = [];
  const upstream: Upstream = {
    async execute({ target }) {
      const page = pages[asked.length] ?? "lost";
      asked.push(target);
      if (page === "lost") return { kind: "lost", reason: "upstream-reset", why: "ECONNRESET" };
      const body = Buffer.from(JSON.stringify(page.document ?? {}));
      return { kind: "answered", answer: { status: page.status ?? 200, headers: [], body } };
    },
    abandon: () => {},
    close: async () => {},
  };
  return { asked, pulled: (listing = LISTING) => pull(listing, FROM, ["authorization", "Bearer k"], upstream) };
}
const page = (ids: string[], next?: string | number | null) => ({
  document: { data: ids.map((id) => ({ id, number: `no-${id}` })), ...(next === undefined ? {} : { next }) },
});
const ids = async (invoices: ReturnType<typeof pull>) => (await invoices).map(({ id }) => id);

describe("pulling the list of an API", () => {
  test("follows what stands for the next page, a number or a cursor, to the last one", async () => {
    const { asked, pulled } = api(page(["a", "b"], 2), page(["c"], "c=/x"), page(["d"], null));
    expect(await ids(pulled())).toEqual(["a", "b", "c", "d"]);
    expect(asked).toEqual([
      "/invoices?from=2026-11-21T08%3A00%3A00.000Z&day=2026-11-21&page=1",
      "/invoices?from=2026-11-21T08%3A00%3A00.000Z&day=2026-11-21&page=2",
      "/invoices?from=2026-11-21T08%3A00%3A00.000Z&day=2026-11-21&page=c%3D%2Fx",
    ]);
  });

  test("counts pages up to an empty one where nothing says what comes next, and asks once where there are none", async () => {
    const counted = api(page(["a"]), page(["b"]), page([]));
    expect(await ids(counted.pulled({ ...LISTING, next: undefined }))).toEqual(["a", "b"]);
    const whole = api(page(["a"]));
    expect(await ids(whole.pulled({ ...LISTING, next: undefined, target: "/invoices" }))).toEqual(["a"]);
  });

  test.each<[string, Parameters<typeof api>, RegExp]>([
    ["a page that comes again", [page(["a"], 2), page(["b"], 2)], /comes back to its page 2/],
    ["a refusal", [{ status: 403 }], /answered 403 to GET \/invoices/],
    ["no list", [{ document: { items: [] } }], /no array at \/data/],
    ["an invoice without a number", [{ document: { data: [{ id: "a" }] } }], /no text or number at \/id or \/number/],
    ["silence", ["lost"], /did not answer GET \/invoices.*ECONNRESET/],
  ])("says so and reports nothing of half a list: %s", async (_, pages, words) => {
    await expect(api(...pages).pulled()).rejects.toThrow(words);
  });
});
