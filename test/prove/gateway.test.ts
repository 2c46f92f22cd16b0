import { expect, test } from "@jest/globals";
import { Gateway } from "../../src/prove/gateway.ts";

const READY = `
const server = require("node:http").createServer((req, res) => res.end()).listen(0, "127.0.0.1", () => {
  const url = "http://127.0.0.1:" + server.address().port;
  console.log(JSON.stringify({ msg: "oncegate started", clients: url, admin: url }));
});`;

test("a gateway that is ended while it is being killed is not started again: nothing would end it any more", async () => {
  const gateway = new Gateway([process.execPath, "-e", READY], { PATH: process.env["PATH"] });
  try {
    await gateway.start();
    expect(gateway.doors).toBeDefined();
    const restarting = gateway.kill().then(() => gateway.start());
    await gateway.end();
    await restarting;
    expect(gateway.doors).toBeUndefined();
  } finally {
    await gateway.kill();
  }
});
