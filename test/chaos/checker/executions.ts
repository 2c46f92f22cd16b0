import type { Arrival, Told } from "./operations.ts";
import type { Losses } from "./losses.ts";
import type { Violation } from "./violation.ts";

/** G1 and G4: at most one execution, and nothing is sent twice once it may have begun; anew only behind a loss that was accepted. */
export function checkExecutions(told: Told, losses: Losses): Violation[] {
  return losses.arrivalsByLife(told).flatMap((arrivals) => checkLife(told.name, arrivals));
}

function checkLife(name: string, arrivals: readonly Arrival[]): Violation[] {
  const acted = arrivals.filter(({ did }) => did === "acted");
  const violations: Violation[] = [];
  const requests = acted.map(({ request, gateway, at }) => `${request} of ${gateway} at ${at}`);
  if (acted.length > 1) violations.push({ kind: "duplicate-execution", name, what: requests.join(", ") });
  // Only what the upstream declined may be followed by another request.
  const undeclined = arrivals.findIndex(({ did }) => did !== "declined");
  if (undeclined !== -1 && undeclined < arrivals.length - 1) {
    const [first, second] = arrivals.slice(undeclined);
    const what = `${first!.request} of ${first!.gateway} (${first!.did}), then ${second!.request} of ${second!.gateway}`;
    violations.push({ kind: "sent-twice", name, what });
  }
  return violations;
}
