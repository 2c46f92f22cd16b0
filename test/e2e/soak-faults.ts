import { LOST, WHOLE, completed, says } from "../upstream/hostile-answers.ts";
import type { Hostile } from "../upstream/hostile-answers.ts";

/** Not with every hundredth request: each of these takes the gateway its whole time, or more work than all others together. */
const SLOW = /for ever|drip|70,000|keeps the connection|never ends/;

/** Each of them is what the upstream does with one request in a hundred. */
export const FAULTS: Hostile[] = [...WHOLE, ...LOST].filter(
  ({ does, greet }) => greet === undefined && !SLOW.test(does),
);

const WELL: Hostile = {
  does: "answers",
  act: says('HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{"id":1}'),
  fate: completed(201, '{"id":1}'),
};

/** What the upstream does with the `n`th request. */
export const faultOf = (n: number): Hostile => FAULTS[n % 100] ?? WELL;
