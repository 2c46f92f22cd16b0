import { once } from "node:events";
import { createServer, type Server } from "node:net";

/** For each preferred port that port if it is free on loopback, else a free one. All are different. */
export async function freePorts(preferred: readonly number[]): Promise<number[]> {
  // All are held until the last is found, so that no free one is handed out twice.
  const held: Server[] = [];
  for (const port of preferred) held.push((await hold(port)) ?? (await holdAny()));
  const ports = held.map(portOf);
  await Promise.all(
    held.map((server) => {
      server.close();
      return once(server, "close");
    }),
  );
  return ports;
}

async function hold(port: number): Promise<Server | undefined> {
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
    return server;
  } catch {
    return undefined;
  }
}

async function holdAny(): Promise<Server> {
  const server = await hold(0);
  if (!server) throw new Error("no port is free on 127.0.0.1");
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  if (typeof address !== "object" || !address) throw new Error("the server listens on no TCP port");
  return address.port;
}
