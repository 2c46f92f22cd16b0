import { askAdmin } from "./admin-client.ts";
import { reasonOf } from "../reason.ts";
import { FAILED, TOLD_WRONG } from "../surroundings.ts";
import type { Surroundings } from "../surroundings.ts";

/** What the admin port is asked, and how its answer is told to a person. `read`: an answer that is no JSON. */
export type Question = {
  path: string;
  body?: unknown;
  read?: (text: string) => unknown;
  asJson: boolean;
  inWords: (document: unknown) => string;
};

/** What was typed cannot be meant, and why. */
export type Mistyped = { mistyped: string };

export type OperatorCommand = { name: string; help: string; question: (around: Surroundings) => Question | Mistyped };

/** Runs a sub-command that asks the gateway beside it and prints what that says. Resolves to the exit code. */
export async function ask({ name, help, question }: OperatorCommand, around: Surroundings): Promise<number> {
  if (["--help", "-h", "help"].includes(around.args[1] ?? "")) {
    around.print(help);
    return 0;
  }
  try {
    const asked = question(around);
    if ("mistyped" in asked) {
      around.complain(`oncegate ${name}: ${asked.mistyped}\n\n${help}`);
      return TOLD_WRONG;
    }
    const { path, body, read = JSON.parse } = asked;
    const document: unknown = read(await askAdmin(around, path, body));
    around.print(asked.asJson ? JSON.stringify(document, undefined, 2) : asked.inWords(document));
    return 0;
  } catch (error) {
    around.complain(`oncegate ${name}: ${reasonOf(error)}`);
    return FAILED;
  }
}
