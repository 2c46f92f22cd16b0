import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";
import { startSampleApi } from "../support/sample-api.ts";
import type { SampleApi } from "../support/sample-api.ts";

type Run = {
  stats: Record<"requests" | "assertions", { total: number; failed: number }>;
  failures: { source: { name: string }; error: { test: string; message: string } }[];
};

const require = createRequire(import.meta.url);
const NEWMAN = require.resolve("newman/bin/newman.js");
const FOLDER = fileURLToPath(new URL("../../examples/postman/", import.meta.url));

let api: SampleApi;
let gateway: OpenGateway;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "oncegate-postman-"));
  api = await startSampleApi();
  gateway = await openGateway({ ONCEGATE_UPSTREAM_URL: api.url });
});
afterAll(async () => {
  await gateway.close();
  await api.close();
  rmSync(folder, { recursive: true, force: true });
});

test("every request of the Postman collection gets what it says, in one run after another", async () => {
  for (const count of [3, 6]) {
    const run = await runCollection();
    expect(run.failures.map(({ source, error }) => `${source.name}: ${error.test}: ${error.message}`)).toEqual([]);
    expect(run.stats.assertions.failed).toBe(0);
    expect(run.stats.assertions.total).toBeGreaterThanOrEqual(15);
    // Seven pages, and the two requests of a script.
    expect(run.stats.requests).toMatchObject({ total: 9, failed: 0 });
    expect(await api.count("/invoices")).toBe(count);
  }
}, 120_000);

/** In a process of its own, as a user runs it; resolves to its report, failed assertions or not. */
async function runCollection(): Promise<Run> {
  const report = join(folder, "report.json");
  rmSync(report, { force: true });
  const output = await new Promise<string>((resolve) => {
    const args = ["run", "oncegate.postman_collection.json", "--environment", "oncegate.postman_environment.json"];
    args.push("--env-var", `baseUrl=${gateway.url}`, "--reporters", "cli,json", "--reporter-json-export", report);
    execFile(process.execPath, [NEWMAN, ...args], { cwd: FOLDER, timeout: 50_000 }, (_error, stdout, stderr) =>
      resolve(stdout + stderr),
    );
  });
  try {
    return (JSON.parse(readFileSync(report, "utf8")) as { run: Run }).run;
  } catch (error) {
    throw new Error(`newman wrote no report, but:\n${output}`, { cause: error });
  }
}
