#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { z } from "zod";
import { run } from "./cli.ts";

/** The only reader of the arguments, the environment and signals. */
const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")));

process.exitCode = await run({
  args: process.argv.slice(2),
  env: process.env,
  version,
  readFile: (path) => readFileSync(path, "utf8"),
  print: (text) => console.log(text),
  complain: (text) => console.error(text),
  nextSignal: () =>
    new Promise((resolve) => {
      const stop = (signal: NodeJS.Signals): void => {
        process.off("SIGTERM", stop).off("SIGINT", stop);
        if (signal === "SIGTERM" || signal === "SIGINT") resolve(signal);
      };
      process.on("SIGTERM", stop).on("SIGINT", stop);
    }),
});
// Whatever is still open (a second signal, an upgraded connection) must not keep the process.
process.exit();
