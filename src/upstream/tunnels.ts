import { ServerResponse } from "node:http";
import type { ClientRequest, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { endToEnd, via } from "../domain/headers.ts";

/** How long one side may be silent after the other has said that it sends no more. */
const HALF_CLOSED_MS = 10_000;

/** WebSockets: connections of a client and of the upstream, joined in both directions. */
export class Tunnels {
  readonly #open = new Set<Socket>();

  /**
   * Passes the upstream's 101 on, and from then on whatever comes, `head` first, which came right behind it. The end of one side's
   * sending reaches the other, and so does a reset; when one side is gone, so is the other. There is no limit on silence.
   */
  join(client: Socket, upstream: Socket, answer: IncomingMessage, head: Buffer): void {
    client.write(headOf(answer), "latin1");
    if (head.length > 0) upstream.unshift(head);
    upstream.allowHalfOpen = true;
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#open.add(one);
      one.setTimeout(0).setNoDelay(true).setKeepAlive(true);
      one.once("end", () => other.setTimeout(HALF_CLOSED_MS, () => other.destroy()));
      one.once("error", () => resetSocket(other));
      one.once("close", () => {
        this.#open.delete(one);
        other.destroySoon();
      });
      one.pipe(other);
    }
  }

  close(): void {
    for (const socket of this.#open) socket.destroy();
  }
}

function headOf({ rawHeaders, httpVersion, headers }: IncomingMessage): string {
  const taken = ["Connection", "Upgrade", "Upgrade", headers.upgrade ?? "websocket"];
  const fields = [...endToEnd(rawHeaders), ...taken, "Via", via(httpVersion)];
  let text = "HTTP/1.1 101 Switching Protocols\r\n";
  for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return `${text}\r\n`;
}

/** TLS sockets cannot be reset (Node refuses). */
function resetSocket(socket: Socket): void {
  if ("encrypted" in socket) socket.destroy();
  else socket.resetAndDestroy();
}

/** Ends an offered upgrade when its client leaves before the upstream has answered; until then nothing else reads its connection. */
export function endWithClient(sent: ClientRequest, client: Socket): void {
  const onReadable = (): void => {
    client.off("readable", onReadable);
    if (client.readableLength === 0) client.destroy();
  };
  const answered = (): void => void client.off("readable", onReadable);
  client.on("readable", onReadable);
  client.once("close", () => sent.destroy());
  sent.once("response", answered).once("upgrade", answered);
}

/** To answer an upgrade that was not taken as any other request; the connection ends with it. */
export function responseOn(client: Socket, req: IncomingMessage): ServerResponse {
  const res = new ServerResponse(req);
  res.assignSocket(client);
  res.shouldKeepAlive = false;
  res.once("finish", () => client.destroySoon());
  return res;
}
