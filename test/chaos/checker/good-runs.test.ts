import { expect, test } from "@jest/globals";
import { check } from "./check.ts";
import { Story, broken, created, refused, replayed, unknown } from "./story.ts";

const GOOD: [what: string, story: () => Story][] = [
  ["answered and replayed", () => new Story().upstream("acted").client(created).client(replayed).atTheEnd(replayed)],
  [
    "declined, sent again, and then done",
    () =>
      new Story()
        .upstream("declined")
        .client({ ...created, status: 422 })
        .upstream("acted", { request: "r2", answer: "a2" })
        .atTheEnd({ ...created, body: "a2" }),
  ],
  ["first executed in the final retries", () => new Story().client(broken).upstream("acted").atTheEnd(created)],
  [
    "refused for another body and for another credential",
    () =>
      new Story()
        .upstream("acted")
        .client(created)
        .client(refused(422, "key-reused"), { body: "b2" })
        .client(refused(409, "credential-changed"), { credential: "c2" })
        .atTheEnd(replayed),
  ],
  [
    "one key in two scopes",
    () =>
      new Story()
        .upstream("acted")
        .client(created)
        .upstream("acted", { tenant: "bob", request: "r2", answer: "a2" })
        .client({ ...created, body: "a2" }, { tenant: "bob" })
        .atTheEnd(replayed)
        .atTheEnd({ ...replayed, body: "a2" }, { tenant: "bob" }),
  ],
  [
    "an answer that was too large to keep",
    () =>
      new Story().upstream("acted", { bytes: 1_000_000 }).client(created).atTheEnd(refused(409, "response-not-kept")),
  ],
  [
    "no answer while the store is away, and the same answer when it is back",
    () =>
      new Story()
        .upstream("acted")
        .client(created)
        .client(refused(503, "store-unavailable"))
        .client(broken)
        .atTheEnd(replayed),
  ],
  [
    "unknown, since its gateway was killed before it could settle",
    () => new Story().fault("kill", "gateway-0", 500).upstream("acted").client(broken).atTheEnd(unknown),
  ],
  [
    "unknown, since the upstream reset the connection",
    () => new Story().upstream("acted", { behaviour: "resets", answers: false }).client(broken).atTheEnd(unknown),
  ],
  [
    "unknown for a while, since the store was away, and then known",
    () =>
      new Story()
        .fault("redis-down", "store", 5_000)
        .upstream("acted")
        .client({ ...created, stored: false })
        .client(unknown)
        .atTheEnd(replayed),
  ],
  [
    "not stored, said so, and unknown since its gateway was killed while the store was away",
    () =>
      new Story()
        .fault("redis-down", "store", 9_000)
        .upstream("acted")
        .client({ ...created, stored: false })
        .later(3_000)
        .fault("kill", "gateway-0")
        .client(unknown)
        .atTheEnd(unknown),
  ],
  [
    "executed again, since the store lost the record and an operator accepted that",
    () =>
      new Story()
        .upstream("acted")
        .client(created)
        .loss("all")
        .client(refused(503, "store-lost-data"))
        .upstream("acted", { request: "r2", answer: "a2" })
        .atTheEnd({ ...created, body: "a2" }),
  ],
  [
    "executed a third time, since the store lost the record of the second as well",
    () =>
      new Story()
        .upstream("acted")
        .client(created)
        .later(5_000)
        .loss("all")
        .upstream("acted", { request: "r2", answer: "a2" })
        .client({ ...created, body: "a2" })
        .loss("tail", { lastMs: 300 })
        .upstream("acted", { request: "r3", answer: "a3" })
        .atTheEnd({ ...created, body: "a3" }),
  ],
  [
    "executed late, because the upstream stood still, and executed again, since the store lost the record meanwhile",
    () =>
      new Story()
        .loss("all", { during: broken })
        .upstream("acted")
        .upstream("acted", { request: "r2", answer: "a2", gateway: "gateway-1" })
        .atTheEnd({ ...created, body: "a2" }),
  ],
  [
    "written again by the gateway that executed it while the store lost the record",
    () =>
      new Story()
        .client(broken)
        .upstream("acted")
        .loss("all")
        .note({ what: "alarm", gateway: "gateway-0", at: 550, kind: "record-recreated", text: "{}" })
        .atTheEnd(replayed),
  ],
  [
    "unknown by its upstream's fault, and executed again, since the store lost that it was unknown",
    () =>
      new Story()
        .upstream("acted", { behaviour: "bad-gateway" })
        .client({ ...created, status: 502, body: "a proxy's" })
        .client(unknown)
        .later(5_000)
        .loss("all")
        .upstream("acted", { request: "r2", answer: "a2" })
        .atTheEnd({ ...created, body: "a2" }),
  ],
  [
    "unknown, since the store lost that it was settled",
    () => new Story().later(5_000).upstream("acted").client(created).loss("tail", { lastMs: 300 }).atTheEnd(unknown),
  ],
];

test.each(GOOD)("nothing is found in: %s", (_what, story) => {
  const { history, ledger } = story();
  expect(check(history, ledger)).toEqual([]);
});
