import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { Contact } from "../marks.ts";
import { StoreError } from "../records.ts";
import type { Verbs } from "./verbs.ts";
import { reasonOf } from "../../reason.ts";

export type ThreadOptions = { file: string; sweepEveryMs: number };

/** TypeScript in a clone and in the image, JavaScript in the published package. */
const STORE = new URL(`./worker${extname(import.meta.url)}`, import.meta.url);

export type Ask = { [Verb in keyof Verbs]: { verb: Verb; args: Parameters<Verbs[Verb]> } }[keyof Verbs];

/** What the thread says: once `open` or `refused`, then one `done` or `failed` for each batch. */
export type Report =
  | { kind: "open"; inode: string | undefined }
  | { kind: "refused"; message: string }
  | { kind: "done"; answers: Answered[] }
  | { kind: "failed"; fate: StoreError["fate"]; message: string };

export type Answered = { answer: unknown } | { unreadable: string };

type Waiting = {
  verb: keyof Verbs;
  args: unknown[];
  answer(value: unknown): void;
  fail(error: StoreError): void;
};

/** A client waits at most this long for a settle (DESIGN, section 10); a local commit takes milliseconds. */
const REPLY_WITHIN_MS = 1_000;
/** Some 10 ms of work: a batch must be done well before the reply is due. */
const LARGEST_BATCH = 500;
/** A thread dies of a disk that fails or of too little memory: neither is over at once, nor are clients to wait long. */
const RESTART_AFTER_MS = { first: 100, longest: 5_000 };

/** The main thread's side: gathers asks into batches, one under way at a time, and starts a dead thread again. */
export class Thread {
  readonly #options: ThreadOptions;
  readonly #script: URL;
  #worker: Worker | undefined;
  /** Why nothing can be asked now. */
  #trouble: string | undefined = "is opening";
  #closing = false;
  /** Counts openings, and notes when one led to another file than the one before. */
  #contact: Contact = { made: 0, anotherAt: undefined };
  #inode: string | undefined;
  #closed: Promise<void> | undefined;
  #restartAfter = RESTART_AFTER_MS.first;
  #restart: NodeJS.Timeout | undefined;
  #queue: Waiting[] = [];
  #underWay: Waiting[] | undefined;

  private constructor(options: ThreadOptions, script: URL) {
    this.#options = options;
    this.#script = script;
  }

  /** Rejects with a StoreError for an operator where the file cannot be used. */
  static async open(options: ThreadOptions, script = STORE): Promise<Thread> {
    const thread = new Thread(options, script);
    const why = await new Promise<string | undefined>((first) => thread.#start(first));
    if (why === undefined) return thread;
    await thread.close();
    throw new StoreError("unsent", why);
  }

  contact(): Contact {
    return this.#contact;
  }

  ask<Verb extends keyof Verbs>(verb: Verb, ...args: Parameters<Verbs[Verb]>): Promise<ReturnType<Verbs[Verb]>> {
    return new Promise((resolve, reject) => {
      if (this.#trouble !== undefined) return reject(new StoreError("unsent", this.#trouble));
      // After a pause of this process the reply may be here already, unread: it is read before the immediate runs.
      const late = setTimeout(() => setImmediate(() => this.#giveUp(waiting)), REPLY_WITHIN_MS);
      const waiting: Waiting = {
        verb,
        args,
        answer: (value: ReturnType<Verbs[Verb]>) => {
          clearTimeout(late);
          resolve(value);
        },
        fail: (error) => {
          clearTimeout(late);
          reject(error);
        },
      };
      this.#queue.push(waiting);
      // Whatever is asked in this tick goes into one batch.
      if (this.#queue.length === 1) queueMicrotask(() => this.#send());
    });
  }

  /** Lets the batch under way finish; what still waits for its turn was never sent. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing = true;
    clearTimeout(this.#restart);
    this.#refuseAll(`SQLite file ${this.#options.file}: the store is closed`);
    const worker = this.#worker;
    if (worker === undefined) return;
    await new Promise<void>((ended) => {
      worker.once("exit", () => ended());
      worker.postMessage("close");
    });
  }

  /** `heard`: called without a word when the thread is open, or with what it died of. */
  #start(heard?: (why?: string) => void): void {
    const worker = new Worker(this.#script, { workerData: this.#options });
    this.#worker = worker;
    let why = `SQLite file ${this.#options.file}: the store's thread ended`;
    worker.on("message", (message: Report) => {
      if (message.kind === "refused") why = message.message;
      else if (message.kind === "open") {
        if (!this.#closing) this.#trouble = undefined;
        const isAnother = message.inode !== this.#inode;
        this.#inode = message.inode;
        const { made, anotherAt } = this.#contact;
        this.#contact = { made: made + 1, anotherAt: isAnother ? performance.now() : anotherAt };
        this.#restartAfter = RESTART_AFTER_MS.first;
        heard?.();
      } else this.#settle(message);
    });
    worker.on("error", (error) => (why += ` (${reasonOf(error)})`));
    worker.once("exit", () => {
      this.#worker = undefined;
      const underWay = this.#underWay ?? [];
      this.#underWay = undefined;
      for (const waiting of underWay) waiting.fail(new StoreError("ambiguous", why));
      heard?.(why);
      if (this.#closing) return;
      this.#refuseAll(why);
      this.#restart = setTimeout(() => this.#start(), this.#restartAfter);
      this.#restartAfter = Math.min(this.#restartAfter * 2, RESTART_AFTER_MS.longest);
    });
  }

  #send(): void {
    if (this.#underWay !== undefined || this.#queue.length === 0) return;
    this.#underWay = this.#queue.splice(0, LARGEST_BATCH);
    this.#worker?.postMessage(this.#underWay.map(({ verb, args }) => ({ verb, args })));
  }

  #settle(report: Extract<Report, { kind: "done" | "failed" }>): void {
    const batch = this.#underWay ?? [];
    this.#underWay = undefined;
    this.#send();
    batch.forEach((waiting, i) => {
      if (report.kind === "failed") return waiting.fail(new StoreError(report.fate, report.message));
      const answered = report.answers[i]!;
      if ("answer" in answered) waiting.answer(answered.answer);
      else waiting.fail(new StoreError("unsent", answered.unreadable));
    });
  }

  #giveUp(waiting: Waiting): void {
    const place = this.#queue.indexOf(waiting);
    if (place >= 0) this.#queue.splice(place, 1);
    const fate = place >= 0 ? "unsent" : "ambiguous";
    waiting.fail(new StoreError(fate, `SQLite file ${this.#options.file}: no answer within ${REPLY_WITHIN_MS} ms`));
  }

  #refuseAll(trouble: string): void {
    this.#trouble = trouble;
    for (const waiting of this.#queue.splice(0)) waiting.fail(new StoreError("unsent", trouble));
  }
}
