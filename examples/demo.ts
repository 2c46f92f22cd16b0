import { fileURLToPath } from "node:url";
import { runDemo } from "./demo/run.ts";

process.exitCode = await runDemo(fileURLToPath(new URL("../src/main.ts", import.meta.url)));
