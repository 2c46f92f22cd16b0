import type { Socket } from "node:net";
import { CERT, EXPIRED_CERT, KEY, OTHER_NAME_CERT, STRANGERS_CERT } from "../support/certificate.ts";
import { NEVER_SENT, completed, says, unknown } from "./hostile-answers.ts";
import type { Hostile } from "./hostile-answers.ts";

const TLS = { key: KEY, cert: CERT };
const HEAD = "HTTP/1.1 200 OK\r\n";
/** A fatal alert, certificate_required (RFC 8446, section 6), in a record of its own. */
const ALERT = Buffer.from([21, 3, 3, 0, 2, 2, 116]);

const onHello = (then: (tcp: Socket) => void) => (tcp: Socket) => tcp.once("data", () => then(tcp));

/** In the handshake: no request can have left. */
const BEFORE: Hostile[] = [
  { does: "has an expired certificate", tls: { key: KEY, cert: EXPIRED_CERT }, fate: NEVER_SENT },
  { does: "has a certificate of another name", tls: { key: KEY, cert: OTHER_NAME_CERT }, fate: NEVER_SENT },
  { does: "has a certificate of a strange authority", tls: { key: KEY, cert: STRANGERS_CERT }, fate: NEVER_SENT },
  { does: "speaks only HTTP/2", tls: { ...TLS, ALPNProtocols: ["h2"] }, fate: NEVER_SENT },
  {
    does: "speaks HTTP without TLS",
    isHttps: true,
    greet: onHello((tcp) => tcp.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")),
    fate: NEVER_SENT,
  },
  { does: "closes in the handshake", isHttps: true, greet: onHello((tcp) => tcp.end()), fate: NEVER_SENT },
  { does: "resets in the handshake", isHttps: true, greet: onHello((tcp) => tcp.resetAndDestroy()), fate: NEVER_SENT },
  {
    does: "sends an alert in the handshake",
    isHttps: true,
    greet: onHello((tcp) => tcp.write(ALERT)),
    fate: NEVER_SENT,
  },
  {
    does: "never ends the handshake",
    isHttps: true,
    limits: { ONCEGATE_CONNECT_TIMEOUT: "500ms" },
    fate: NEVER_SENT,
  },
];

/** After it: with TLS 1.3 the request leaves before the server has said whether it takes the client. */
const AFTER: Hostile[] = [
  {
    does: "answers",
    tls: TLS,
    act: says(`${HEAD}Content-Length: 2\r\n\r\nok`),
    fate: completed(200, "ok"),
  },
  {
    does: "wants a client certificate",
    tls: TLS,
    act: (_socket, _request, tcp) => tcp.write(ALERT),
    fate: unknown("upstream-reset"),
  },
  {
    does: "sends an alert into its body",
    tls: TLS,
    act: (socket, _request, tcp) => {
      socket.write(`${HEAD}Content-Length: 9\r\n\r\nabc`, () => setImmediate(() => tcp.write(ALERT)));
    },
    fate: unknown("answer-cut"),
  },
  {
    does: "resets before it answers",
    tls: TLS,
    act: (_socket, _request, tcp) => tcp.resetAndDestroy(),
    fate: unknown("upstream-reset"),
  },
  {
    does: "cuts its body without a closing alert",
    tls: TLS,
    act: (socket, _request, tcp) => {
      socket.write(`${HEAD}Content-Length: 9\r\n\r\nabc`, () => setImmediate(() => tcp.destroy()));
    },
    fate: unknown("answer-cut"),
  },
  {
    does: "ends a body of unknown length without a closing alert",
    tls: TLS,
    act: (socket, _request, tcp) => {
      socket.write(`${HEAD}\r\nabc`, () => setImmediate(() => tcp.destroy()));
    },
    fate: unknown("answer-unframed"),
  },
  {
    does: "never answers",
    tls: TLS,
    limits: { ONCEGATE_UPSTREAM_TIMEOUT: "1s" },
    fate: unknown("upstream-silent"),
  },
];

/** Their authority is CERT's. */
export const TLS_UPSTREAMS: Hostile[] = [...BEFORE, ...AFTER];
