import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadSettings } from "../../src/config/load.ts";
import { mistakeText } from "../../src/config/mistakes.ts";
import { rulesOf } from "../../src/config/rules.ts";
import { tokenSettings } from "../../src/config/token-settings.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { openTokens } from "../../src/tokens.ts";
import { openStore } from "../../src/store/open.ts";
import type { ConnectionLimits } from "../../src/inbound/limits.ts";
import { startGateway } from "../../src/wiring.ts";

/** A gateway in this process: everything of the real one but the process. */
export type OpenGateway = {
  url: string;
  adminUrl: string;
  /** As in ONCEGATE_STORE. */
  store: string;
  /** Log lines as written. */
  lines: string[];
  close(): Promise<void>;
};

/** `ca`: the upstream's own authority, in PEM. `rules`: text of a rules file. `keys`: of JWTs, as a JWK Set. */
type Given = { limits?: ConnectionLimits; ca?: string; rules?: string; keys?: string };

/** On free ports and, unless `env` names another store, on a SQLite file of its own. */
export async function openGateway(
  env: Record<string, string>,
  { rules, keys, ...given }: Given = {},
): Promise<OpenGateway> {
  const folder = mkdtempSync(join(tmpdir(), "oncegate-test-"));
  const loaded = loadSettings(
    {
      ONCEGATE_LISTEN: "127.0.0.1:0",
      ONCEGATE_ADMIN_LISTEN: "127.0.0.1:0",
      ONCEGATE_STORE: `sqlite:${join(folder, "oncegate.db")}`,
      ...(keys === undefined ? {} : { ONCEGATE_JWT_KEYS_FILE: "keys.json" }),
      ...(rules === undefined ? {} : { ONCEGATE_RULES: "rules.yaml" }),
      ...env,
    },
    () => {
      throw new Error("no files in tests");
    },
  );
  if (loaded.kind === "refused") throw new Error(loaded.message);
  const ruled = rulesOf(loaded.settings, { readFile: () => rules ?? "" });
  if (ruled.kind === "refused") throw new Error(ruled.mistakes.map(mistakeText).join("\n"));
  const verifyToken = openTokens(tokenSettings(loaded.settings, keys));
  const lines: string[] = [];
  const log = createLog("debug", { write: (line) => void lines.push(line) });
  const store = await openStore(loaded.settings.ONCEGATE_STORE, { mayEvict: false });
  const gateway = await startGateway(loaded.settings, {
    rules: ruled.rules,
    verifyToken,
    store,
    log,
    ca: undefined,
    version: "0.0.0-test",
    ...given,
  });
  return {
    url: gateway.listeners.clients,
    adminUrl: gateway.listeners.admin!,
    store: loaded.settings.ONCEGATE_STORE,
    lines,
    async close() {
      await gateway.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
