import { expect, test } from "@jest/globals";
import { Renewal } from "../../src/store/renewal.ts";
import { until } from "../support/until.ts";

test("what was over before its renewal was heard of is not good again: it may have been another's in between", async () => {
  const answer = Promise.withResolvers<"renewed">();
  let asked = 0;
  const renewal = new Renewal({
    leaseMs: 100,
    sentAt: performance.now(),
    renew: async () => (asked++ === 0 ? answer.promise : "renewed"),
  });
  await until("it is over", () => !renewal.isGood());
  answer.resolve("renewed");
  await until("it was renewed again", () => asked > 2);
  expect(renewal.isGood()).toBe(false);
  renewal.stop();
});
