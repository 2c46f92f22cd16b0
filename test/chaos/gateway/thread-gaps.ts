import { DatabaseSync } from "node:sqlite";
import { gap } from "./trap.ts";
import { wrap } from "./wrap.ts";

wrap(DatabaseSync.prototype, "exec", (exec, sql) => {
  if (sql !== "COMMIT") return exec();
  gap("committing");
  exec();
  gap("committed");
});
