/** What services ask of a key that they are told to encrypt with. */
import { type AwsLocation, parseArn } from "../../modules/partition";
import { isKmsNotFound, Kms } from "./kms";
import type { SimulatedAws } from "./simulated-aws";

/**
 * Why a service cannot encrypt with a key; `undefined` if it can, or if the key is not named by the
 * ARN of a key of this account.
 *
 * @param key - ARN of the key
 * @param at - where the service is: a key of another region could encrypt nothing there
 */
export function keyUseProblem(aws: SimulatedAws, at: AwsLocation, key: string): string | undefined {
  const parts = parseArn(key);
  if (parts === undefined) {
    return undefined;
  }
  if (parts.region !== at.region) {
    return `${key} is a key of ${parts.region}, not of ${at.region}`;
  }
  if (parts.account !== at.account || !parts.resource.startsWith("key/")) {
    return undefined;
  }
  try {
    new Kms(aws, at).keyOf(key);
    return undefined;
  } catch (error) {
    if (isKmsNotFound(error)) {
      return `${key} does not exist`;
    }
    throw error;
  }
}
