import { allOf, exactRoles, type Statement } from "../iam/policy";
import { ROLES, TRAIL, TRAIL_LOG_GROUP } from "../names";
import {
  type AwsLocation,
  arn,
  CLOUDTRAIL_PRINCIPAL,
  logGroupArn,
  logsPrincipal,
  roleArn,
  trailArn,
  viaService,
} from "../partition";
import type { KeyGrant } from "./key-policy";

const THIS_KEY = "*";

/** Props of {@link trailEncrypts}. */
export interface TrailEncryptsProps {
  /** Where the trail, its bucket and its log group are. Elsewhere the grant says nothing. */
  readonly at: AwsLocation;
  /**
   * Roles that make the trail's log group; they read nothing of the bucket with that.
   *
   * @default - the trail has no log group
   */
  readonly logGroupMakers?: readonly string[];
}

/**
 * The account's own trail: CloudTrail encrypts its logs, CloudWatch Logs its log group.
 *
 * Every request of CloudTrail must come from this one trail, `Decrypt` too. AWS's example leaves that
 * one unbound and asks for it only where the bucket has an S3 Bucket Key, which the trail's has not:
 * no log is lost if CloudTrail should not name the trail with it. Nobody reads the logs by this grant:
 * readers are users of the key.
 *
 * @see https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
 */
export function trailEncrypts({ at: home, logGroupMakers }: TrailEncryptsProps): KeyGrant {
  const fromTrail = { StringEquals: { "aws:SourceArn": trailArn(home, TRAIL) } };
  return (at) =>
    at.region === home.region
      ? [
          {
            Sid: "TrailEncrypts",
            Effect: "Allow",
            Principal: { Service: CLOUDTRAIL_PRINCIPAL },
            Action: "kms:GenerateDataKey*",
            Resource: THIS_KEY,
            Condition: {
              ...fromTrail,
              StringLike: { "kms:EncryptionContext:aws:cloudtrail:arn": anyTrailArn(at) },
            },
          },
          {
            Sid: "TrailUsesKey",
            Effect: "Allow",
            Principal: { Service: CLOUDTRAIL_PRINCIPAL },
            Action: ["kms:Decrypt", "kms:DescribeKey"],
            Resource: THIS_KEY,
            Condition: fromTrail,
          },
          ...(logGroupMakers === undefined ? [] : logGroupEncrypted(at, logGroupMakers)),
        ]
      : [];
}

/** AWS documents this pattern for the encryption context; `aws:SourceArn` names the one trail. */
function anyTrailArn({ partition, account }: AwsLocation): string {
  return arn({ partition, service: "cloudtrail", region: "*", account, resource: "trail/*" });
}

/**
 * CloudWatch Logs works with the key by itself, and, newer, for whoever calls it: for the role that
 * makes the log group and the one that writes to it. Which calls need which right is not documented;
 * both have what AWS lists, through CloudWatch Logs only.
 *
 * AWS lists `kms:Describe*` for the service too, under the encryption context that no such request
 * carries: it grants nothing, so it is left out.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
 */
function logGroupEncrypted(at: AwsLocation, makers: readonly string[]): readonly Statement[] {
  const crypto = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"] as const;
  const callers = exactRoles([...makers, roleArn(at, ROLES.trailLogs)]);
  return [
    {
      Sid: "TrailLogGroupEncrypted",
      Effect: "Allow",
      Principal: { Service: logsPrincipal(at.region) },
      Action: crypto,
      Resource: THIS_KEY,
      Condition: {
        ArnEquals: { "kms:EncryptionContext:aws:logs:arn": logGroupArn(at, TRAIL_LOG_GROUP) },
      },
    },
    {
      Sid: "TrailLogGroupUsed",
      Effect: "Allow",
      Principal: callers.Principal,
      Action: [...crypto, "kms:DescribeKey"],
      Resource: THIS_KEY,
      Condition: allOf(callers.Condition, {
        StringEquals: { "kms:ViaService": viaService("logs", at.region) },
      }),
    },
  ];
}
