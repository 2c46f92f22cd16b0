import { parseArgs } from "node:util";
import { z } from "zod";
import { ask } from "./operator-command.ts";
import type { Mistyped, Question } from "./operator-command.ts";
import { inColumns } from "../in-columns.ts";
import { reasonOf } from "../reason.ts";
import type { Surroundings } from "../surroundings.ts";

const HELP = `Usage: oncegate observed [--json]

Lists what would have been stopped, and was passed on because its rule only observes (ONCEGATE_MODE=observe, or mode: observe in a
rule): the rule, what the client would have been answered, and how often since the gateway started. Asks the gateway beside it, over
its admin port (ONCEGATE_ADMIN_LISTEN). The requests themselves are lines of its log, with the answer in the field "observed".`;

const HOW_TO_OBSERVE =
  "No rule observes: what is to be stopped is stopped. ONCEGATE_MODE=observe, or mode: observe in a rule, passes it on and counts it.";
const HOW_TO_ENFORCE =
  "To switch them on: ONCEGATE_MODE=enforce, and in the rules neither mode: observe nor then: observe. Their records are made already.";

const Listed = z.object({
  /** All that is counted was counted since then. */
  since: z.iso.datetime(),
  observing: z.array(z.string()),
  observed: z.array(z.object({ rule: z.string(), outcome: z.string(), times: z.number() })),
});
type Listed = z.infer<typeof Listed>;

/** `oncegate observed ...`: resolves to the exit code. */
export function observed(around: Surroundings): Promise<number> {
  return ask({ name: "observed", help: HELP, question }, around);
}

function question({ args }: Surroundings): Question | Mistyped {
  try {
    const { values } = parseArgs({ args: args.slice(1), options: { json: { type: "boolean" } } });
    return { path: "/metrics", read: inMetrics, asJson: values.json ?? false, inWords };
  } catch (error) {
    return { mistyped: reasonOf(error) };
  }
}

/** Of the metrics, which sum those of all workers. Labels are names of rules and codes of problems: nothing in them is escaped. */
function inMetrics(text: string): Listed {
  const [started] = text.matchAll(/^process_start_time_seconds (\d+)$/gm);
  if (started === undefined) throw new Error("the gateway does not say since when it counts: is it an older one?");
  const observing = [...text.matchAll(/^oncegate_observing\{rule="(.+)"\} 1$/gm)];
  const counted = [...text.matchAll(/^oncegate_observed_total\{rule="(.+)",outcome="(.+)"\} (\d+)$/gm)];
  return {
    since: new Date(Number(started[1]) * 1_000).toISOString(),
    observing: observing.map(([, rule = ""]) => rule),
    observed: counted
      .map(([, rule = "", outcome = "", times]) => ({ rule, outcome, times: Number(times) }))
      .toSorted((a, b) => a.rule.localeCompare(b.rule) || b.times - a.times),
  };
}

function inWords(document: unknown): string {
  const { since, observing, observed: rows } = Listed.parse(document);
  const rules = observing.length === 0 ? HOW_TO_OBSERVE : `Observing: ${observing.join(", ")}. ${HOW_TO_ENFORCE}`;
  const [first] = rows;
  if (first === undefined)
    return observing.length === 0 ? rules : `Nothing would have been stopped since ${since}, the start.\n${rules}`;
  return [
    ...inColumns([
      ["rule", "would have been", "times"],
      ...rows.map(({ rule, outcome, times }) => [rule, outcome, `${times}`]),
    ]),
    "",
    `Counted since ${since}, the start. Each is a line of the log: grep '"observed":"${first.outcome}"'`,
    rules,
  ].join("\n");
}
