import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { Socket } from "node:net";

/** A TCP proxy on 127.0.0.1 that loses what a network loses, on request. */
export type FaultProxy = {
  port: number;
  /** Answers to what is sent from now on are thrown away; resolves when the first one was. The server did its work. */
  loseReplies(): Promise<void>;
  /** Bytes towards the server wait until `deliver`, also when their sender has gone. */
  holdBack(): void;
  deliver(): void;
  /** Passes both ways again, for connections that are made from now on; those that stand are reset. */
  heal(): void;
  close(): Promise<void>;
};

type Pair = { client: Socket; server: Socket; heldBack: Buffer[] };

/** `rewrite`: what the server says, changed without changing its length. */
export async function faultProxy(target: number, rewrite = (answer: string) => answer): Promise<FaultProxy> {
  const pairs = new Set<Pair>();
  let mode: "pass" | "lose-replies" | "hold-back" = "pass";
  let onLost = () => {};

  const listener = createServer((client) => {
    const server = connect(target, "127.0.0.1");
    const pair: Pair = { client, server, heldBack: [] };
    pairs.add(pair);
    client.on("data", (bytes: Buffer) => {
      if (mode === "hold-back") pair.heldBack.push(bytes);
      else server.write(bytes);
    });
    server.on("data", (bytes: Buffer) => {
      if (mode === "lose-replies") onLost();
      else if (!client.destroyed) client.write(rewrite(bytes.toString("latin1")), "latin1");
    });
    client.on("error", () => {});
    server.on("error", () => {});
    server.on("close", () => {
      pairs.delete(pair);
      client.destroy();
    });
    client.on("close", () => {
      if (pair.heldBack.length === 0) server.destroy();
    });
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  if (address === null || typeof address === "string") throw new Error("not a TCP port");

  const reset = () => {
    for (const { client, server } of pairs) {
      client.resetAndDestroy();
      server.destroy();
    }
  };
  return {
    port: address.port,
    async loseReplies() {
      mode = "lose-replies";
      return new Promise((resolve) => {
        onLost = resolve;
      });
    },
    holdBack() {
      mode = "hold-back";
    },
    deliver() {
      mode = "pass";
      for (const pair of pairs) for (const bytes of pair.heldBack.splice(0)) pair.server.write(bytes);
    },
    heal() {
      mode = "pass";
      reset();
    },
    async close() {
      listener.close();
      reset();
      await once(listener, "close");
    },
  };
}
