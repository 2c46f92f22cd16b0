/** A bearer token of a tenant: one scope each (the JWT's subject), and any number of credentials. */
export function tokenFor(tenant: string, credential: number): string {
  const part = (fields: object): string => Buffer.from(JSON.stringify(fields)).toString("base64url");
  return `Bearer ${part({ alg: "none" })}.${part({ iss: "chaos", sub: tenant, jti: credential })}.x`;
}

export function tokenOf(authorization: string): { tenant: string } {
  const payload = Buffer.from(authorization.split(".")[1] ?? "", "base64url").toString();
  return { tenant: (JSON.parse(payload) as { sub: string }).sub };
}
