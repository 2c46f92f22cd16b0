import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { spawnGateway } from "../support/gateway.ts";
import type { LogLine, SpawnedGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";
import type { Counts } from "./gateway/counts.ts";
import { COUNTS_FILE, TRAPS_FOLDER } from "./gateway/gap.ts";
import type { Gap, Trap } from "./gateway/gap.ts";
import type { History } from "./history.ts";
import { now } from "./limits.ts";

export type HostSettings = {
  name: string;
  port: number;
  adminPort: number;
  /** Of this host alone: traps and counts. */
  folder: string;
  /** The tree that the gateway runs from: this one, or a mutant's copy of it. */
  tree: string;
  env: Record<string, string>;
  history: History;
};

/** How long a trap waits for its prey before it is taken away. */
const TRAP_WAITS_MS = 4_000;
const RESTART_PAUSE_MS = 100;

export const TREE = fileURLToPath(new URL("../..", import.meta.url));

/** One gateway on a machine of its own: where its process ends, it is started again on the same ports, as a supervisor does. */
export class Host {
  readonly name: string;
  readonly #settings: HostSettings;
  #process: SpawnedGateway | undefined;
  #isClosing = false;
  /** Somebody sent it a signal that ends it: its end is no finding. */
  #isDoomed = false;
  /** The trap that was set last; who fell into one that kills is doomed, too. */
  #trap: (Trap & { file: string }) | undefined;

  constructor(settings: HostSettings) {
    this.name = settings.name;
    this.#settings = settings;
    mkdirSync(settings.folder, { recursive: true });
  }

  start(): void {
    const { tree, folder, env, port, adminPort } = this.#settings;
    this.#isDoomed = false;
    const started = spawnGateway(
      {
        ONCEGATE_LISTEN: `127.0.0.1:${port}`,
        ONCEGATE_ADMIN_LISTEN: `127.0.0.1:${adminPort}`,
        ONCEGATE_LOG_LEVEL: "warn",
        [TRAPS_FOLDER]: folder,
        NODE_OPTIONS: `--import=${join(tree, "test/chaos/gateway/preload.ts")}`,
        ...env,
      },
      join(tree, "src/main.ts"),
      (line) => this.#hear(line),
    );
    this.#process = started;
    void started.exited.then(async (code) => {
      this.#process = undefined;
      this.#report(started, code);
      if (this.#isClosing) return;
      await sleep(RESTART_PAUSE_MS);
      if (!this.#isClosing) this.start();
    });
  }

  /** Resolves when it lives. Whether its store answers is another question. */
  async live(): Promise<void> {
    await until(`${this.name} lives`, () => this.#asks("/live"));
  }

  async ready(): Promise<void> {
    await until(`${this.name} is ready`, () => this.#asks("/ready"));
  }

  /** One value of its metrics. */
  async metric(name: string): Promise<number> {
    const answer = await fetch(`http://127.0.0.1:${this.#settings.adminPort}/metrics`);
    const line = (await answer.text()).split("\n").find((text) => text.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1));
  }

  /** How it sees the store, after a look at it; undefined where it does not say. */
  async storeStanding(): Promise<string | undefined> {
    return this.#operate("/store");
  }

  /** Tells it, as an operator, that operations may go on though the store lost data; resolves to how it sees the store then. */
  async acceptLoss(): Promise<string | undefined> {
    return this.#operate("/store/loss-acceptance", { by: "chaos", why: "it was made to lose data" });
  }

  /** Sends a signal to the process that runs now; SIGKILL and SIGTERM end it, and it is started again. */
  signal(signal: NodeJS.Signals): void {
    if (signal === "SIGKILL" || signal === "SIGTERM") this.#isDoomed = true;
    this.#process?.signal(signal);
  }

  /** The end of the process that runs now. */
  async gone(): Promise<void> {
    await this.#process?.exited;
  }

  /** Resolves to whether the gateway was caught in this gap; it has its signal then. */
  async trap(gap: Gap, trap: Trap): Promise<boolean> {
    const set = join(this.#settings.folder, gap);
    rmSync(`${set}.caught`, { force: true });
    this.#trap = { ...trap, file: set };
    writeFileSync(`${set}.new`, JSON.stringify(trap));
    renameSync(`${set}.new`, set);
    for (const giveUpAt = now() + TRAP_WAITS_MS; now() < giveUpAt && existsSync(set);) await sleep(10);
    try {
      unlinkSync(set);
      return false;
    } catch {
      await sleep(trap.afterMs);
      return true;
    }
  }

  /** What it holds now, after a collection. */
  async counts(): Promise<Counts> {
    const file = join(this.#settings.folder, COUNTS_FILE);
    rmSync(file, { force: true });
    this.#process?.signal("SIGUSR2");
    await until(`${this.name} says what it holds`, () => existsSync(file));
    return JSON.parse(readFileSync(file, "utf8")) as Counts;
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    this.#isDoomed = true;
    await this.#process?.kill();
  }

  async #operate(page: string, said?: object): Promise<string | undefined> {
    const body = said && {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(said),
    };
    const url = `http://127.0.0.1:${this.#settings.adminPort}${page}`;
    return fetch(url, { ...body, signal: AbortSignal.timeout(3_000) })
      .then(async (answer) => ((await answer.json()) as { store?: string }).store)
      .catch(() => undefined);
  }

  async #asks(page: string): Promise<boolean> {
    return fetch(`http://127.0.0.1:${this.#settings.adminPort}${page}`, { signal: AbortSignal.timeout(2_000) }).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  /** `code`: null where a signal ended it. A trap explains one end only. */
  #isExpected(code: number | null): boolean {
    if (this.#isDoomed) return code === null || code === 0;
    const caught = this.#trap?.signal === "SIGKILL" && `${this.#trap.file}.caught`;
    if (code !== null || !caught || !existsSync(caught)) return false;
    rmSync(caught);
    return true;
  }

  #hear(line: LogLine): void {
    const { history, name } = this.#settings;
    const { alarm, err } = line;
    if (alarm === undefined && err === undefined) return;
    const kind = typeof alarm === "string" ? alarm : "error";
    history.add({ what: "alarm", gateway: name, at: now(), kind, text: JSON.stringify(line) });
  }

  /** A start that is refused, because another holds the file, is tried again. */
  #report(ended: SpawnedGateway, code: number | null): void {
    const { history, name } = this.#settings;
    const isRefusedStart = code === 1 && /cannot start/.test(ended.text());
    if (!this.#isExpected(code) && !isRefusedStart)
      history.add({ what: "died", gateway: name, at: now(), text: `exit code ${code}: ${lastWords(ended.text())}` });
  }
}

/** What it wrote that is no log line: a stack, in the main. */
const lastWords = (text: string): string =>
  text
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("{"))
    .slice(-20)
    .join("\n");
