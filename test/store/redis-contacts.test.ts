import { expect, test } from "@jest/globals";
import { setTimeout as sleep } from "node:timers/promises";
import { Contacts } from "../../src/store/redis/contacts.ts";

/** Whether the last greeting met a server that was not there before. */
function meeting(): { contacts: Contacts; meets: (place: string, runId: string) => Promise<boolean> } {
  const contacts = new Contacts();
  return {
    contacts,
    async meets(place, runId) {
      const before = contacts.contact().anotherAt;
      await sleep(2); // a later time is another one
      contacts.greeted(place, `# Server\r\nrun_id:${runId}\r\n`);
      return contacts.contact().anotherAt !== before;
    },
  };
}

test("a server is another one where it was restarted, and not where it is connected again", async () => {
  const { contacts, meets } = meeting();
  contacts.begin("a:1");
  const met = [await meets("a:1", "x"), await meets("a:1", "x"), await meets("a:1", "y")];
  expect([met, contacts.contact().made]).toEqual([[true, false, true], 3]);
});

test("a server that was given up and is used again is another one: it may have gone on without us", async () => {
  const { contacts, meets } = meeting();
  contacts.begin("a:1");
  await meets("a:1", "x");
  contacts.begin("b:1"); // a failover
  await meets("b:1", "y");
  contacts.begin("a:1"); // and back
  expect(await meets("a:1", "x")).toBe(true);
});

test("a server that is in use is not another one under a second address", async () => {
  const { contacts, meets } = meeting();
  contacts.begin("a:1");
  await meets("a:1", "x");
  contacts.begin("b:1");
  expect(await meets("b:1", "x")).toBe(false);
});
