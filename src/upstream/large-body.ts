import { Readable } from "node:stream";
import type { Dispatcher } from "undici";

/** The upstream's side of a body that is streamed to its client because it is too large to keep. */
export type LargeBody = { stream: Readable; push(chunk: Buffer): void; end(): void; cut(): void };

/** Reads no faster than the client takes it, and stops the upstream when nobody reads any more: the record is settled already. */
export function largeBody(controller: Dispatcher.DispatchController): LargeBody {
  let isEnded = false;
  const stream = new Readable({
    read: () => controller.resume(),
    destroy(error, done) {
      if (!isEnded) controller.abort(error ?? new Error("nobody reads the answer"));
      done(error);
    },
  });
  stream.on("error", () => {}); // its reader hears of it too; without a reader it must not end the process
  return {
    stream,
    push(chunk) {
      if (!stream.destroyed && !stream.push(chunk)) controller.pause();
    },
    end() {
      isEnded = true;
      stream.push(null);
    },
    cut() {
      isEnded = true;
      stream.destroy(new Error("the upstream cut its answer"));
    },
  };
}
