/** What a run may not show, by kind; each is found by checker.ts in history and ledger alone. */
export const VIOLATIONS = {
  "duplicate-execution": "the upstream acted twice for one key",
  "sent-twice": "a request was sent again though the first may have begun",
  "foreign-answer": "an answer was made for another scope, key, body or credential",
  "altered-answer": "a 2xx is not, byte for byte, what the upstream said for this key",
  "lost-answer": "a client saw a 2xx and its retry does not get it",
  "strange-answer": "an answer that is none of the table's",
  "in-flight-for-ever": "a record stayed in flight after everything was healed",
  "unanswered-at-the-end": "a key has no answer after everything was healed",
  "unexplained-unknown": "an outcome is unknown though its gateway, its store and the upstream lived",
  "loss-unnoticed": "the store lost what it had acknowledged and no gateway said so",
  "started-on-lost-store": "an operation was begun on a store that had lost data, before anybody accepted it",
  "gateway-died": "a gateway ended though nobody killed it",
  alarm: "a gateway logged an alarm or an error that nobody expected",
  leak: "a gateway or the store holds more at the end than at the start",
} as const;

export type Violation = { kind: keyof typeof VIOLATIONS; name: string; what: string };
