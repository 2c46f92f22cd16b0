import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { runToItsEnd } from "../support/gateway.ts";
import { storeFile } from "./store-file.ts";
import type { StoreFile } from "./store-file.ts";

let store: StoreFile;
beforeEach(() => {
  store = storeFile();
});
afterEach(() => store.remove());

/** Starts the program where this code ran before it: what a machine is like that cannot be had here. */
const startWhere = (code: string, env: Record<string, string> = {}) => {
  const first = `import fs from "node:fs"; import { syncBuiltinESMExports } from "node:module"; ${code} syncBuiltinESMExports();`;
  return runToItsEnd({
    ONCEGATE_UPSTREAM_URL: "http://127.0.0.1:9",
    ONCEGATE_STORE: store.url,
    NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(first)}`,
    ...env,
  });
};
/** A folder of the store's is on a file system of this type (statfs(2)); everything else is on a local disk. */
const mounted = (type: string, folder: string) => `
  const statfs = fs.statfsSync;
  fs.statfsSync = (path) => {
    const real = statfs(path);
    return fs.realpathSync(path).startsWith(${JSON.stringify(folder)}) ? { ...real, type: ${type} } : real;
  };`;

test.each([
  ["NFS", "0x6969"],
  ["SMB", "0x517b"],
  ["SMB", "0xfe534d42"],
  ["CIFS", "0xff534d42"],
  ["9p", "0x01021997"],
  ["FUSE", "0x65735546"],
  ["Ceph", "0x00c36400"],
  ["Lustre", "0x0bd00bd0"],
])("a file on %s (%s) is refused at the start, and by name", async (name, type) => {
  const { code, stderr } = await startWhere(mounted(type, store.folder));
  expect(code).toBe(1);
  expect(stderr).toContain(`oncegate.db: it is on ${name}, where SQLite's locks are not safe. Use a local disk`);
});

test("so is one behind a link to such a disk", async () => {
  const [near, far] = [join(store.folder, "near"), join(store.folder, "far")];
  for (const folder of [near, far]) mkdirSync(folder);
  symlinkSync(join(far, "oncegate.db"), join(near, "oncegate.db"));
  const env = { ONCEGATE_STORE: `sqlite:${join(near, "oncegate.db")}` };
  const { code, stderr } = await startWhere(mounted("0x6969", far), env);
  expect(code).toBe(1);
  expect(stderr).toContain("it is on NFS");
});

test("an SQLite that could corrupt the file is refused at the start", async () => {
  const old = `Object.defineProperty(process, "versions", { value: { ...process.versions, sqlite: "3.51.2" } });`;
  const { code, stderr } = await startWhere(old);
  expect(code).toBe(1);
  expect(stderr).toMatch(/SQLite 3\.51\.2 can corrupt a file .* 3\.51\.3 or later is needed\. Update Node/);
});
