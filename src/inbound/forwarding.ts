import { BlockList, isIP } from "node:net";
import { dropping, endToEnd, valueOf, valuesOf, via } from "../domain/headers.ts";
import type { RawHeaders } from "../domain/headers.ts";

/** Who speaks to the gateway, as far as the upstream is told. */
export type Peer = { address: string; protocol: "http" | "https"; httpVersion: string };

/** Rebuilt below, or set by each way of sending. `expect` is answered here. */
export const REBUILT = [
  "host",
  "content-length",
  "expect",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "via",
];
/** What else frameworks believe of a client's way here: only a trusted proxy may say it. */
export const ONLY_TRUSTED = [
  "forwarded",
  "x-forwarded-port",
  "x-forwarded-prefix",
  "x-forwarded-server",
  "x-forwarded-ssl",
  "x-real-ip",
];

const NOT_OF_TRUSTED = dropping(REBUILT);
const NOT_OF_ANYBODY = dropping([...REBUILT, ...ONLY_TRUSTED]);

/** ONCEGATE_TRUSTED_PROXIES as a test of an address. */
export function trustedProxies(networks: readonly string[]): (address: string) => boolean {
  if (networks.length === 0) return () => false; // asking an empty list costs a microsecond
  const list = new BlockList();
  for (const network of networks) {
    const [address = "", bits] = network.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => {
    const plain = plainAddress(address);
    return isIP(plain) !== 0 && list.check(plain, isIP(plain) === 6 ? "ipv6" : "ipv4");
  };
}

/** Who forwards: its name in Via, and whom it believes. */
export type Forwarder = { pseudonym: string; isTrusted: (address: string) => boolean };

/** An IPv4 client of a socket that listens on both is seen as ::ffff:192.0.2.7. */
const plainAddress = (address: string): string => address.replace(/^::ffff:/, "");

/**
 * The headers that go upstream, without Host and framing, which each way of sending sets itself: end-to-end fields as received,
 * forwarding fields rebuilt, Via added.
 */
export function forwardedHeaders(raw: RawHeaders, peer: Peer, { pseudonym, isTrusted }: Forwarder): string[] {
  const believed = isTrusted(peer.address);
  const headers = endToEnd(raw, believed ? NOT_OF_TRUSTED : NOT_OF_ANYBODY);
  const said = (name: string): string[] => (believed ? valuesOf(raw, name) : []);
  const host = said("x-forwarded-host")[0] ?? valueOf(raw, "host");
  headers.push("X-Forwarded-For", [...said("x-forwarded-for"), plainAddress(peer.address)].join(", "));
  headers.push("X-Forwarded-Proto", said("x-forwarded-proto")[0] ?? peer.protocol);
  if (host !== undefined) headers.push("X-Forwarded-Host", host);
  headers.push("Via", [...valuesOf(raw, "via"), via(peer.httpVersion, pseudonym)].join(", "));
  return headers;
}
