import { once } from "node:events";
import type { Server } from "node:http";
import type { SettingName } from "./config/settings.ts";
import type { Listen } from "./config/values.ts";
import { reasonOf } from "./reason.ts";

/** Why an address cannot be listened on, and what to do, by Node's code for it. */
const WORDS: Record<string, string> = {
  EADDRINUSE: "another program listens there. End it, or choose another port",
  EADDRNOTAVAIL: "this machine does not have that address",
  EACCES: "this user may not listen there; ports from 1024 on are open to all",
  ENOTFOUND: "that name does not resolve",
};

/** Opens the port that `setting` names; resolves to its URL. Rejects with words for an operator. */
export async function listening(server: Server, setting: SettingName, { host, port }: Listen): Promise<string> {
  const name = host.includes(":") ? `[${host}]` : host;
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (error) {
    const words = Error.isError(error) && "code" in error ? WORDS[String(error.code)] : undefined;
    const reason = reasonOf(error);
    const why = words === undefined ? reason : `${words} (${reason})`;
    throw new Error(`${setting}=${name}:${port}: ${why}`, { cause: error });
  }
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("no address was bound");
  return `http://${name}:${bound.port}`;
}
