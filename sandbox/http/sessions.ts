/** The credentials of roles that were taken. */
import { createHash } from "node:crypto";
import * as z from "zod";

/** A role that somebody has taken. */
export interface Session {
  readonly roleArn: string;
  readonly sessionName: string;
}

const sessionSchema = z.object({ roleArn: z.string(), sessionName: z.string() });

/** Temporary credentials. */
export interface SessionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

/**
 * Credentials of a session.
 *
 * The token says whose they are: nothing is kept, so that every process of the sandbox knows the
 * credentials that another has issued. Nobody checks signatures.
 */
export function credentialsOf(session: Session): SessionCredentials {
  const sessionToken = Buffer.from(JSON.stringify(session)).toString("base64url");
  return {
    accessKeyId: accessKeyIdOf(sessionToken),
    secretAccessKey: "sandbox",
    sessionToken,
  };
}

/** The session that credentials are of; `undefined` for those that no role has. */
export function sessionOf(
  accessKeyId: string | undefined,
  sessionToken: string | undefined,
): Session | undefined {
  if (sessionToken === undefined || accessKeyId !== accessKeyIdOf(sessionToken)) {
    return undefined;
  }
  try {
    return sessionSchema.parse(JSON.parse(Buffer.from(sessionToken, "base64url").toString("utf8")));
  } catch {
    return undefined;
  }
}

/**
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes
 */
function accessKeyIdOf(sessionToken: string): string {
  const digits = createHash("sha256").update(sessionToken).digest("hex");
  return `ASIA${digits.slice(0, 16).toUpperCase()}`;
}
