import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { digest } from "../domain/token.ts";

/** Any will do: both sides are digested, so that comparing takes the same time whatever was sent. */
const SALT = Buffer.from("oncegate admin token");
const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/;

/**
 * Who may see and resolve records: whoever sends the token; without one configured, whoever is on this machine. Then the Host must
 * be this machine's too, or a page in a browser here could come by a name that its owner points at 127.0.0.1.
 */
export function operatorAccess(token: string | undefined): (req: IncomingMessage) => "allowed" | "forbidden" {
  const expected = token === undefined ? undefined : digestOf(token);
  return ({ headers, socket }) => {
    if (expected !== undefined) {
      const sent = /^Bearer (.+)$/i.exec(headers.authorization ?? "")?.[1] ?? "";
      return timingSafeEqual(digestOf(sent), expected) ? "allowed" : "forbidden";
    }
    const host = (headers.host ?? "").replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
    const isLocal = host === "localhost" || (isIP(host) !== 0 && LOOPBACK.test(host));
    return isLocal && LOOPBACK.test(socket.remoteAddress ?? "") ? "allowed" : "forbidden";
  };
}

function digestOf(token: string): Buffer {
  return Buffer.from(digest(SALT, "admin", token));
}
