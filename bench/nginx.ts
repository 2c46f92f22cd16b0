import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { freePort } from "../test/support/redis-server.ts";
import { startProgram } from "./program.ts";
import type { Program } from "./program.ts";

/**
 * What an operator would try first: nginx's own cache, told to keep answers to POST by the key's header. One worker, as the
 * others are one process; an access log and a cache on disk, as it comes. Undefined where nginx is not installed.
 */
export async function startNginx(upstream: string, folder: string): Promise<Program | undefined> {
  try {
    execFileSync("nginx", ["-v"], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  const home = join(folder, "nginx");
  mkdirSync(home);
  const port = await freePort();
  const config = join(home, "nginx.conf");
  writeFileSync(config, configOf(upstream, port, home));
  const url = `http://127.0.0.1:${port}`;
  return startProgram(
    { command: "nginx", args: ["-p", home, "-c", config, "-e", join(home, "error.log")], url },
    folder,
  );
}

const configOf = (upstream: string, port: number, home: string): string => `
daemon off;
user ${userInfo().username};
worker_processes 1;
pid ${home}/pid;
events { worker_connections 4096; }
http {
  access_log ${home}/access.log;
  client_body_temp_path ${home}/bodies;
  proxy_temp_path ${home}/proxy;
  fastcgi_temp_path ${home}/fastcgi;
  uwsgi_temp_path ${home}/uwsgi;
  scgi_temp_path ${home}/scgi;
  client_max_body_size 20m;
  client_body_buffer_size 2m;
  keepalive_requests 1000000;
  proxy_cache_path ${home}/cache levels=1:2 keys_zone=answers:64m max_size=8g inactive=24h;
  upstream api { server ${new URL(upstream).host}; keepalive 64; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://api;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_cache answers;
      proxy_cache_methods GET HEAD POST;
      proxy_cache_key $http_authorization$http_x_idempotency_key;
      proxy_cache_valid any 24h;
      proxy_cache_lock on;
      proxy_ignore_headers Cache-Control Expires Set-Cookie Vary;
    }
  }
}
`;
