import { z } from "zod";
import { STORE_ID } from "../domain/continuity.ts";
import { LONGEST_LEASE } from "../domain/record.ts";
import * as value from "./values.ts";

/** A record's expiry is counted from its claim. This covers connecting, re-tries and a settle that the store does not take. */
const BEYOND_THE_UPSTREAM_MS = 3_600_000;

/**
 * Every setting, once: how it is written, its default, its bounds and one sentence. Read from the environment by load.ts;
 * .env.example, docs/settings.md and docs/settings.schema.json are generated from it (docs/generate.ts).
 * `secret`: never logged, and also read from the file that NAME_FILE names.
 */
export const Settings = z
  .strictObject({
    ONCEGATE_UPSTREAM_URL: value
      .upstreamUrl()
      .meta({ description: "The API behind the gateway; a base path is kept.", example: "http://localhost:3001" }),
    ONCEGATE_UPSTREAM_CA_FILE: z.string().optional().meta({
      description:
        "PEM file of the authority that signed the upstream's certificate, where it is an own one. No other is believed then.",
    }),
    ONCEGATE_PRESERVE_HOST: value
      .yesNo()
      .prefault("false")
      .meta({ description: "Send the client's Host to the upstream instead of the upstream's own." }),
    ONCEGATE_LISTEN: value.listen().prefault("0.0.0.0:8080").meta({
      description: "Where clients connect, in plain HTTP; 0.0.0.0 is every address of the machine, port 0 a free one.",
    }),
    ONCEGATE_STORE: z
      .string()
      .regex(
        /^(sqlite|rediss?(\+sentinel|\+cluster)?):./,
        "must start with sqlite:, redis://, redis+sentinel:// or redis+cluster://",
      )
      .prefault("sqlite:./data/oncegate.db")
      .meta({
        description:
          "Where records are kept: sqlite:FILE, redis://[user:password@]host[:port][/db], redis+sentinel://[user:password@]host1,host2,host3/master[/db] or redis+cluster://[user:password@]host1,host2,host3; rediss instead of redis for TLS (docs/redis.md). Must be given where NODE_ENV=production.",
        secret: true,
      }),
    ONCEGATE_REDIS_PASSWORD: z.string().optional().meta({
      description:
        "Password of Redis, so that ONCEGATE_STORE need not be a secret; its user name stands there: redis://user@host.",
      secret: true,
    }),
    ONCEGATE_REDIS_CA_FILE: z.string().optional().meta({
      description:
        "PEM file of the authority that signed Redis's certificate, where it is an own one. No other is believed then.",
    }),
    ONCEGATE_REDIS_CERT_FILE: z
      .string()
      .optional()
      .meta({ description: "PEM file of Oncegate's own certificate, for a Redis that asks its clients for one." }),
    ONCEGATE_REDIS_KEY_FILE: z.string().optional().meta({ description: "PEM file of the key of that certificate." }),
    ONCEGATE_REDIS_WAIT_REPLICAS: value.whole(0, 10).optional().meta({
      description:
        "How many replicas must have a claim before anything is sent, and an answer before it counts as stored; where too few do, operations are refused. Without it 1 with Sentinel and Cluster, 0 with a single server.",
    }),
    ONCEGATE_KEY_HEADERS: value
      .headerNames()
      .prefault("x-idempotency-key,idempotency-key")
      .meta({ description: "Headers a key is read from. Two that differ are refused; all are sent on as they are." }),
    ONCEGATE_KEY_MAX_LENGTH: value
      .whole(1, 1_024)
      .prefault("255")
      .meta({ description: "Longest key, in characters; longer ones are refused (400)." }),
    ONCEGATE_METHODS: value.methods().prefault("POST,PATCH").meta({
      description:
        "Methods that accept keys, of POST, PUT, PATCH and DELETE; others pass through, with or without a key.",
    }),
    ONCEGATE_REQUIRE_KEY: value.yesNo().prefault("false").meta({
      description:
        "Refuse a request of ONCEGATE_METHODS that has no key (400), instead of passing it through unprotected.",
    }),
    ONCEGATE_SCOPE: value.scope().prefault("auto").meta({
      description:
        "Whose key it is. auto: a JWT's issuer, subject and client, else the Basic user name, else X-Api-Key, else the whole Authorization, else one scope for all (but a cookie alone is refused). Or a list of header:NAME, basic:username, jwt:CLAIM, body:FIELD, query:NAME, path:N.",
    }),
    ONCEGATE_RETENTION: value.duration("1s", "365d").prefault("24h").meta({
      description: "How long a completed record lives, counted from its completion. A retry after that executes again.",
    }),
    ONCEGATE_UNKNOWN_RETENTION: value.duration("2h", "365d").prefault("30d").meta({
      description:
        "How long a record lives whose outcome nobody knows, counted from its claim. A retry after that executes again. At least an hour longer than ONCEGATE_UPSTREAM_TIMEOUT.",
    }),
    ONCEGATE_FINGERPRINT: z
      .enum(["content", "bytes", "none"], "must be content, bytes or none")
      .prefault("content")
      .meta({
        description:
          "How a retry is told from another request with its key: content (JSON by value, multipart by its parts), bytes, or none: then whatever comes with the key gets its answer.",
      }),
    ONCEGATE_RELEASE_STATUSES: value.statuses().prefault("400-406,411-415,417,422,428,429,431").meta({
      description:
        "Upstream answers that mean it did not begin: not stored, a retry executes. So do 503 with Retry-After and 508 (a loop). A status that the API can also answer after it created something must not stand here.",
    }),
    ONCEGATE_UNKNOWN_STATUSES: value.statuses().prefault("502,503,504").meta({
      description:
        "Upstream answers that do not tell whether it ran: its outcome is unknown from then on. They beat ONCEGATE_RELEASE_STATUSES. Everything else, 500 included, is stored.",
    }),
    ONCEGATE_MAX_REQUEST_BODY: value.size("1kb", "1gb").prefault("32mb").meta({
      description: "Largest body of an operation; larger ones are refused (413). What passes through has no limit.",
    }),
    ONCEGATE_MAX_STORED_RESPONSE: value.size("1kb", "256mb").prefault("10mb").meta({
      description:
        "Largest answer that is stored; a larger one reaches its client whole, but a retry gets 409 with its status and Location.",
    }),
    ONCEGATE_MAX_BUFFERED: value.size("1mb", "64gb").prefault("512mb").meta({
      description:
        "Bodies and answers of all operations together, in memory; from there on further operations are refused (503) until some have ended. Answers of those that run are kept all the same: at most ONCEGATE_MAX_STORED_RESPONSE each, beyond this.",
    }),
    ONCEGATE_CONNECT_TIMEOUT: value.duration("50ms", "60s").prefault("5s").meta({
      description: "Time to reach the upstream, TLS included. Where it is over nothing was sent, and the key is free.",
    }),
    ONCEGATE_CLIENT_WAIT: value.duration("1s", "1h").prefault("120s").meta({
      description:
        "The client's patience: time to send its body, and then to wait for the answer. Then it gets 504, and a retry the answer.",
    }),
    ONCEGATE_UPSTREAM_TIMEOUT: value.duration("1s", "24h").prefault("300s").meta({
      description:
        "The upstream's own limit; an operation it does not end by then is unknown, and nothing that passes through may be silent for longer.",
    }),
    ONCEGATE_LEASE: value
      .duration("1s", `${LONGEST_LEASE / 1_000}s`)
      .prefault("15s")
      .meta({
        description:
          "How long a claim stands without renewal. It is renewed while its operation runs; after a crash of the gateway retries are told to wait for so long, and then that the outcome is unknown.",
      }),
    ONCEGATE_IN_FLIGHT_WAIT: value.duration("0s", "1h").prefault("0s").meta({
      description:
        "How long a retry waits for the running original, where it does not say so itself (Prefer: wait=10); 0s answers 409 at once.",
    }),
    ONCEGATE_MODE: z.enum(["enforce", "observe"], "must be enforce or observe").prefault("enforce").meta({
      description:
        "observe: everything is passed on, what would have been stopped is counted (oncegate_observed_total), logged, and listed by oncegate observed.",
    }),
    ONCEGATE_PUBLISH: value.yesNo().prefault("true").meta({
      description:
        "Answer GET /.well-known/idempotency on the clients' port with what clients may know of the rules. false leaves that path to the API.",
    }),
    ONCEGATE_RULES: z.string().optional().meta({
      description:
        "Path of a rules file, YAML or JSON, that says more about some routes (docs/rules.schema.json). Read at the start and again on SIGHUP.",
    }),
    ONCEGATE_JWT_KEYS_FILE: z.string().optional().meta({
      description:
        "JWK Set that the JWTs are verified with from which a scope has jwt:CLAIM; otherwise they are only decoded.",
    }),
    ONCEGATE_JWT_KEYS_URL: value.webUrl().optional().meta({
      description: "The same, fetched from an identity provider: https://id.example.com/.well-known/jwks.json.",
    }),
    ONCEGATE_JWT_SECRET: z.string().min(32, "must have at least 32 characters").optional().meta({
      description: "Secret that those JWTs are signed with (HS256).",
      secret: true,
    }),
    ONCEGATE_JWT_ISSUER: z.string().optional().meta({ description: "The iss that those JWTs must have." }),
    ONCEGATE_JWT_AUDIENCE: z.string().optional().meta({ description: "An aud that those JWTs must have." }),
    ONCEGATE_JWT_WITHOUT_EXP: value.yesNo().prefault("false").meta({
      description:
        "Take those JWTs also where they have no exp: whoever has got hold of one can read what is stored for ever.",
    }),
    ONCEGATE_ADMIN_LISTEN: value.listen().prefault("127.0.0.1:9090").meta({ description: "The operator's port." }),
    ONCEGATE_ADMIN_TOKEN: z.string().min(16, "must have at least 16 characters").optional().meta({
      description:
        "Sent as Authorization: Bearer, for everything on the operator's port but /live, /ready, /version and /metrics. At least 16 characters. Without it the rest is only for who is on this machine.",
      secret: true,
    }),
    ONCEGATE_ENCRYPTION_KEYS: value.encryptionKeys().optional().meta({
      description:
        "Keys that encrypt stored answers (AES-256-GCM), separated by commas; to make one: openssl rand -base64 32. The first writes, all read. The entry clear stands for no encryption, to switch it on or off: docs/encryption.md.",
      secret: true,
    }),
    ONCEGATE_NAME_SECRET: z.string().min(16, "must have at least 16 characters").optional().meta({
      description:
        "Secret of stored names, at least 16 characters, the same for all gateways of a store: under another one every key looks unused. Without it one is made once and kept in the store, encrypted where ONCEGATE_ENCRYPTION_KEYS is given.",
      secret: true,
    }),
    ONCEGATE_TRUSTED_PROXIES: value.networks().optional().meta({
      description:
        "Proxies whose X-Forwarded headers are believed: addresses and networks, separated by commas. Anybody else's are dropped.",
    }),
    ONCEGATE_SHUTDOWN_GRACE: value.duration("1s", "1h").prefault("130s").meta({
      description:
        "Time for running operations to end after SIGTERM; what is left then becomes unknown. Whoever stops the process must wait 5s longer.",
    }),
    ONCEGATE_WORKERS: value.whole(1, 64).prefault("1").meta({
      description:
        "Processes that share the clients' port and the store; each counts its own ONCEGATE_MAX_BUFFERED. The operator's port is their parent's, and shows all of them.",
    }),
    ONCEGATE_STORE_ID: z.string().regex(STORE_ID, "must be an id as oncegate store status prints it").optional().meta({
      description:
        "The id of the store, as the start log and oncegate store status tell it. With it a gateway that starts on an emptied or another store refuses operations (docs/loss.md).",
    }),
    ONCEGATE_ON_STORE_LOSS: z.enum(["refuse", "continue"], "must be refuse or continue").prefault("refuse").meta({
      description:
        "When the store lost data: refuse operations until an operator accepts it (oncegate store accept-loss), or continue at once: then retries of what was lost make second invoices.",
    }),
    ONCEGATE_ALLOW_UNSAFE_STORE: value.yesNo().prefault("false").meta({
      description:
        "Use a Redis that evicts records when it is full; without this, operations on such a one are refused.",
    }),
    ONCEGATE_LOG_LEVEL: z
      .enum(["trace", "debug", "info", "warn", "error", "silent"], "must be trace, debug, info, warn, error or silent")
      .prefault("info")
      .meta({
        description: "Least level that is logged: trace, debug, info (a line for each request), warn, error or silent.",
      }),
  })
  .refine(
    ({ ONCEGATE_JWT_KEYS_FILE: file, ONCEGATE_JWT_KEYS_URL: url, ONCEGATE_JWT_SECRET: secret }) =>
      [file, url, secret].filter((given) => given !== undefined).length <= 1,
    {
      path: ["ONCEGATE_JWT_SECRET"],
      message: "must not be given beside ONCEGATE_JWT_KEYS_FILE or ONCEGATE_JWT_KEYS_URL, nor both of those: give one",
    },
  )
  .refine(
    ({ ONCEGATE_UNKNOWN_RETENTION: kept, ONCEGATE_UPSTREAM_TIMEOUT: works }) => kept >= works + BEYOND_THE_UPSTREAM_MS,
    {
      path: ["ONCEGATE_UNKNOWN_RETENTION"],
      message:
        "must be at least an hour longer than ONCEGATE_UPSTREAM_TIMEOUT: a record must not expire while its operation runs",
    },
  );

export type Settings = z.infer<typeof Settings>;
export type SettingName = keyof Settings;
