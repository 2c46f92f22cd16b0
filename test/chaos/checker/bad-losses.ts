import { Story, broken, created, refused, unknown } from "./story.ts";
import type { Violation } from "./violation.ts";

/** A kind of violation, and a history that has it. */
export type BadRun = [kind: Violation["kind"], what: string, story: () => Story];

/** What no loss of the store excuses. */
export const BAD_LOSSES: BadRun[] = [
  ["loss-unnoticed", "a store that lost data without a word", () => new Story().loss("all", { accepted: false })],
  [
    "started-on-lost-store",
    "a new operation before the loss is accepted",
    () => {
      const story = new Story();
      return story.loss("all", { accepted: false }).client(broken).upstream("acted").acceptLoss().atTheEnd(created);
    },
  ],
  [
    "duplicate-execution",
    "the store lost the record, and it is executed again before that is accepted",
    () =>
      new Story()
        .upstream("acted")
        .client(created)
        .loss("all", { accepted: false })
        .upstream("acted", { request: "r2", answer: "a2" })
        .acceptLoss()
        .atTheEnd({ ...created, body: "a2" }),
  ],
  [
    "duplicate-execution",
    "the store lost only what was written since",
    () =>
      new Story()
        .upstream("acted")
        .client(created)
        .later(5_000)
        .loss("tail")
        .upstream("acted", { request: "r2", answer: "a2" })
        .atTheEnd({ ...created, body: "a2" }),
  ],
  [
    "duplicate-execution",
    "twice behind one loss",
    () =>
      new Story()
        .upstream("acted")
        .client(created)
        .loss("all")
        .upstream("acted", { request: "r2", answer: "a2" })
        .upstream("acted", { request: "r3", answer: "a3" })
        .atTheEnd({ ...created, body: "a3" }),
  ],
  [
    "lost-answer",
    "a 2xx that is gone though the store lost only what was written since",
    () => new Story().upstream("acted").client(created).later(5_000).loss("tail").atTheEnd(unknown),
  ],
  [
    "strange-answer",
    "a loss that nobody had",
    () => new Story().client(refused(503, "store-lost-data")).upstream("acted").atTheEnd(created),
  ],
];
