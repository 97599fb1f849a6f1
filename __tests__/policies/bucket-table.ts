/**
 * Who may do what with the buckets of the trail: one cell of each kind, for mutations. The whole of it
 * is decided beside the module.
 */
import type { AccountConfig } from "../../config/account-config";
import type { BucketRequest } from "../helpers/bucket-iam";
import { NOBODY_KNOWN, type RequestContext, service, sessionOf } from "../helpers/iam";
import { regionOutside, strangerTo } from "./key-table";

/** A request, and whether it must be allowed. */
export interface BucketCell extends BucketRequest {
  readonly allowed: boolean;
}

/** Cells of the bucket of the trail's logs and of that of its access logs, by address. */
export function bucketCells(
  account: AccountConfig,
): Readonly<Record<string, readonly BucketCell[]>> {
  const { partition, id, homeRegion, protect } = account;
  const stranger = strangerTo(account);
  const bucketArn = (name: string) => `arn:${partition}:s3:::${name}-${id}-${homeRegion}`;
  const logs = bucketArn("keyspan-trail");
  const access = bucketArn("keyspan-trail-access");
  const from = (sourceArn: string, sourceAccount = id): RequestContext => ({
    "aws:SourceArn": sourceArn,
    "aws:SourceAccount": sourceAccount,
  });
  const trail = (name = "keyspan", region = homeRegion, owner = id) =>
    `arn:${partition}:cloudtrail:${region}:${owner}:trail/${name}`;
  const acl = { "s3:x-amz-acl": "bucket-owner-full-control" };
  const withoutTls = { "aws:SecureTransport": "false" };
  const cloudTrail = service("cloudtrail.amazonaws.com");
  const s3 = service("logging.s3.amazonaws.com");
  const admin = sessionOf(`arn:${partition}:iam::${id}:role/Admin`);
  const foreignAdmin = sessionOf(`arn:${partition}:iam::${stranger}:role/Admin`);

  /** What both deny: requests without TLS, and changes of what is kept. */
  const common = (bucket: string): readonly BucketCell[] => {
    const object = `${bucket}/any`;
    const asked = (action: string, resource: string, allowed: boolean, context = {}) => ({
      principal: admin,
      fullAdmin: true,
      action,
      resource,
      context,
      allowed,
    });
    return [
      asked("s3:GetObject", object, true),
      asked("s3:ListBucket", bucket, true),
      asked("s3:PutBucketPolicy", bucket, true),
      asked("s3:GetObject", object, false, withoutTls),
      asked("s3:ListBucket", bucket, false, withoutTls),
      ...["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"].map((action) =>
        asked(action, object, !protect),
      ),
      ...["s3:GetObject", "s3:PutObject"].flatMap((action) => [
        { principal: admin, action, resource: object, allowed: false },
        { principal: foreignAdmin, fullAdmin: true, action, resource: object, allowed: false },
        { principal: NOBODY_KNOWN, action, resource: object, allowed: false },
      ]),
    ];
  };

  const log = `${logs}/AWSLogs/${id}/CloudTrail/any`;
  const right = { ...from(trail()), ...acl };
  const delivers = (context: RequestContext, allowed: boolean, principal = cloudTrail) => [
    { principal, action: "s3:PutObject", resource: log, context, allowed },
  ];
  const checks = (context: RequestContext, allowed: boolean, principal = cloudTrail) => [
    { principal, action: "s3:GetBucketAcl", resource: logs, context, allowed },
  ];
  const wrongTrails = [
    {},
    from(trail("keyspan2")),
    from(trail("keyspan", regionOutside(account))),
    from(trail("keyspan", homeRegion, stranger), stranger),
  ];
  const others = [service("sns.amazonaws.com"), NOBODY_KNOWN, foreignAdmin];

  const entry = `${access}/keyspan-trail-${id}-${homeRegion}/any`;
  const keeps = (context: RequestContext, allowed: boolean, principal = s3) => [
    { principal, action: "s3:PutObject", resource: entry, context, allowed },
  ];
  return {
    trail: [
      ...delivers(right, true),
      ...delivers({ ...right, ...withoutTls }, false),
      ...checks(from(trail()), true),
      ...checks({ ...from(trail()), ...withoutTls }, false),
      ...wrongTrails.flatMap((context) => [
        ...delivers({ ...context, ...acl }, false),
        ...checks(context, false),
      ]),
      ...delivers(from(trail()), false),
      ...delivers({ ...right, "s3:x-amz-acl": "private" }, false),
      ...others.flatMap((principal) => [
        { principal, action: "s3:PutObject", resource: log, context: right, allowed: false },
        {
          principal,
          action: "s3:GetBucketAcl",
          resource: logs,
          context: from(trail()),
          allowed: false,
        },
      ]),
      {
        principal: cloudTrail,
        action: "s3:GetObject",
        resource: log,
        context: from(trail()),
        allowed: false,
      },
      {
        principal: cloudTrail,
        action: "s3:PutObjectAcl",
        resource: log,
        context: right,
        allowed: false,
      },
      {
        principal: cloudTrail,
        action: "s3:PutBucketPolicy",
        resource: logs,
        context: from(trail()),
        allowed: false,
      },
      ...common(logs),
    ],
    trail_access: [
      ...keeps(from(logs), true),
      ...keeps({ ...from(logs), ...withoutTls }, false),
      ...keeps({}, false),
      ...keeps({ "aws:SourceArn": logs }, false),
      ...keeps({ "aws:SourceAccount": id }, false),
      ...keeps(from(logs, stranger), false),
      ...keeps(from(`${logs}2`), false),
      ...keeps(from(access), false),
      ...others.map((principal) => ({
        principal,
        action: "s3:PutObject",
        resource: entry,
        context: from(logs),
        allowed: false,
      })),
      {
        principal: s3,
        action: "s3:GetObject",
        resource: entry,
        context: from(logs),
        allowed: false,
      },
      ...common(access),
    ],
  };
}
