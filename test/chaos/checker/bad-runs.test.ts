import { expect, test } from "@jest/globals";
import { BAD_LOSSES } from "./bad-losses.ts";
import type { BadRun } from "./bad-losses.ts";
import { check } from "./check.ts";
import { Story, broken, created, inFlight, refused, replayed, unknown } from "./story.ts";
import { VIOLATIONS } from "./violation.ts";

const found = ({ history, ledger }: Story): string[] => [...new Set(check(history, ledger).map(({ kind }) => kind))];

const counts = { sockets: 1, listeners: 5, heapBytes: 20e6 };

const BAD: BadRun[] = [
  [
    "duplicate-execution",
    "the upstream acted twice",
    () =>
      new Story()
        .upstream("acted")
        .client(broken)
        .upstream("acted", { request: "r2", answer: "a2" })
        .atTheEnd({ ...created, body: "a2" }),
  ],
  [
    "sent-twice",
    "a request that may have begun is followed by another, though neither is known to have acted",
    () =>
      new Story()
        .upstream("nothing", { behaviour: "refuses" })
        .upstream("nothing", { behaviour: "refuses", request: "r2" })
        .client(broken)
        .atTheEnd(unknown),
  ],
  [
    "foreign-answer",
    "another scope's answer",
    () =>
      new Story()
        .upstream("acted")
        .client(created)
        .atTheEnd(replayed)
        .client(replayed, { tenant: "bob" })
        .atTheEnd(replayed, { tenant: "bob" }),
  ],
  [
    "foreign-answer",
    "an answer made for another body",
    () => new Story().upstream("acted").client(created).client(replayed, { body: "b2" }).atTheEnd(replayed),
  ],
  [
    "foreign-answer",
    "an answer shown to another credential",
    () => new Story().upstream("acted").client(created).client(replayed, { credential: "c2" }).atTheEnd(replayed),
  ],
  [
    "altered-answer",
    "a 2xx whose bytes the upstream never said",
    () =>
      new Story()
        .upstream("acted")
        .client({ ...created, body: "half" })
        .atTheEnd(replayed),
  ],
  [
    "altered-answer",
    "the right bytes with another status",
    () =>
      new Story()
        .upstream("acted")
        .client({ ...created, status: 200 })
        .atTheEnd(replayed),
  ],
  [
    "lost-answer",
    "a 2xx, and then unknown for good",
    () => new Story().fault("kill", "gateway-0", 900).upstream("acted").client(created).atTheEnd(unknown),
  ],
  [
    "lost-answer",
    "a 2xx, and a retry that is told that it runs",
    () => new Story().upstream("acted").client(created).client(inFlight).atTheEnd(replayed),
  ],
  [
    "strange-answer",
    "an error of the gateway's own that nobody expected",
    () => new Story().upstream("acted").client(refused(500, "internal")).atTheEnd(replayed),
  ],
  [
    "strange-answer",
    "a status that the table does not have for this code",
    () => new Story().upstream("acted").client(refused(500, "operation-in-flight")).atTheEnd(replayed),
  ],
  [
    "strange-answer",
    "a replayed Set-Cookie",
    () =>
      new Story()
        .upstream("acted")
        .client(created)
        .atTheEnd({ ...replayed, cookie: true }),
  ],
  [
    "strange-answer",
    "a replay of what did not begin",
    () =>
      new Story()
        .upstream("declined")
        .client({ ...replayed, status: 422 })
        .upstream("acted", { request: "r2", answer: "a2" })
        .atTheEnd({ ...created, body: "a2" }),
  ],
  [
    "in-flight-for-ever",
    "a record that nobody settles",
    () => new Story().fault("kill", "gateway-0", 900).upstream("acted").client(broken).atTheEnd(inFlight),
  ],
  [
    "unanswered-at-the-end",
    "a key that is refused though everything is healed",
    () => new Story().client(broken).atTheEnd(refused(503, "store-unavailable")),
  ],
  ["unanswered-at-the-end", "a key that nobody retried", () => new Story().upstream("acted").client(created)],
  [
    "unexplained-unknown",
    "unknown without any fault",
    () => new Story().upstream("acted").client(broken).atTheEnd(unknown),
  ],
  [
    "unexplained-unknown",
    "unknown because its client left",
    () => new Story().upstream("acted").client({ kind: "left" }).atTheEnd(unknown),
  ],
  [
    "unexplained-unknown",
    "unknown though only another gateway was killed",
    () => new Story().fault("kill", "gateway-1", 900).upstream("acted").client(broken).atTheEnd(unknown),
  ],
  [
    "unexplained-unknown",
    "unknown though only the store was away, and its gateway lived to settle",
    () => new Story().fault("redis-down", "store", 900).upstream("acted").client(broken).atTheEnd(unknown),
  ],
  [
    "unexplained-unknown",
    "unknown though its gateway was killed long after the answer, with a store that worked",
    () => new Story().upstream("acted").later(5_000).fault("kill", "gateway-0", 500).client(broken).atTheEnd(unknown),
  ],
  [
    "unexplained-unknown",
    "an orphan: nothing was sent, only the store failed",
    () => new Story().fault("redis-stalled", "gateway-0", 900).client(broken).atTheEnd(unknown),
  ],
  [
    "unexplained-unknown",
    "unknown for a while without any fault",
    () => new Story().upstream("acted").client(unknown).atTheEnd(replayed),
  ],
  [
    "gateway-died",
    "a gateway that ended by itself",
    () => new Story().note({ what: "died", gateway: "gateway-0", at: 1, text: "exit code 1" }),
  ],
  [
    "alarm",
    "a logged alarm",
    () => new Story().note({ what: "alarm", gateway: "gateway-0", at: 1, kind: "error", text: "{}" }),
  ],
  [
    "alarm",
    "a record that was recreated though the store had lost nothing",
    () => new Story().note({ what: "alarm", gateway: "gateway-0", at: 1, kind: "record-recreated", text: "{}" }),
  ],
  ...BAD_LOSSES,
  ...(["sockets", "listeners", "heapBytes"] as const).map((name): (typeof BAD)[number] => [
    "leak",
    `more ${name} at the end`,
    () =>
      new Story()
        .note({ what: "counts", gateway: "gateway-0", when: "start", at: 1, counts })
        .note({ what: "counts", gateway: "gateway-0", when: "end", at: 2, counts: { ...counts, [name]: 90e6 } }),
  ]),
  ["leak", "a record without a key", () => new Story().note({ what: "records", at: 1, records: 1, unknown: 0 })],
  [
    "leak",
    "a store that counts more unknown ones than clients are told of",
    () =>
      new Story()
        .upstream("acted")
        .client(created)
        .atTheEnd(replayed)
        .note({ what: "records", at: 1, records: 1, unknown: 1 }),
  ],
];

test.each(BAD)("%s is found: %s", (kind, _what, story) => {
  expect(found(story())).toContain(kind);
});

test("every kind of violation has a bad history here that shows it", () => {
  expect(new Set(BAD.map(([kind]) => kind))).toEqual(new Set(Object.keys(VIOLATIONS)));
});
