import type { Examination } from "../examination";
import type { Finding } from "../findings";
import type { PlannedResource } from "../planned-resources";

/** What of the planned resources of a type Keyspan would create: what no state holds. */
export function toBeCreated(
  { planned, owned }: Examination,
  type: string,
  region?: string,
): readonly PlannedResource[] {
  return planned.filter(
    (resource) =>
      resource.type === type &&
      (region === undefined || resource.region === region) &&
      !(owned?.has(resource) ?? false),
  );
}

/** How messages name the types whose names are looked for. */
const KINDS: Readonly<Record<string, string>> = {
  aws_kms_alias: "alias",
  aws_cloudwatch_event_bus: "event bus",
  aws_cloudwatch_event_archive: "archive",
  aws_cloudwatch_event_rule: "rule",
  aws_iam_role: "role",
  aws_s3_bucket: "bucket",
  aws_cloudtrail: "trail",
};

/** Types of which there is one for the whole account. */
const GLOBAL_TYPES: readonly string[] = ["aws_iam_role"];

/**
 * A name that is taken in AWS by what no state of the account holds.
 *
 * @param importId - as Terraform takes it, without its region
 * @param isWhat - says more about what has the name
 * @see https://registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/enhanced-region-support
 */
export function taken(
  { account, owned }: Examination,
  { type, name, stack, address, region }: PlannedResource,
  importId: string,
  isWhat = "",
): Finding {
  const isGlobal = GLOBAL_TYPES.includes(type);
  const where = isGlobal ? account.workspace : region;
  const id = isGlobal ? importId : `${importId}@${region}`;
  const kind = KINDS[type] ?? type;
  return {
    subject: "names",
    level: owned === undefined ? "unknown" : "problem",
    ...(!isGlobal && { region }),
    message: `${where}: the name ${name} must be free for ${kind} ${address}, got ${isWhat === "" ? "one that exists" : isWhat}${owned === undefined ? ", which may be Keyspan's own: the states could not be read" : " and is in no state"}`,
    fix: `if it is left over from an apply that was cut off, adopt it: npm run keyspan -- import ${account.workspace} ${stack} ${address} ${id}; else rename or delete it`,
  };
}

/** Says that names are free, if any are to be created. */
export function free(
  { account }: Examination,
  resources: readonly PlannedResource[],
  plural: string,
  region?: string,
): readonly Finding[] {
  return resources.length === 0
    ? []
    : [
        {
          subject: "names",
          level: "ok",
          ...(region !== undefined && { region }),
          message: `${region ?? account.workspace}: the names of ${plural} to be created are free: ${[...new Set(resources.map(({ name }) => name))].join(", ")}`,
        },
      ];
}
