import {
  accountRootArn,
  arn,
  eventBusArn,
  parseArn,
  partitionOf,
  queueArn,
  REGIONS_BY_PARTITION,
  viaService,
} from "../../modules/partition";

test.each([
  ["eu-west-1", "aws"],
  ["us-gov-west-1", "aws-us-gov"],
  ["cn-north-1", "aws-cn"],
  ["eu-west-9", undefined],
  ["constructor", undefined],
])("%s is in partition %s", (region, partition) => {
  expect(partitionOf(region)).toBe(partition);
});

test("no region is in two partitions", () => {
  const regions = Object.values(REGIONS_BY_PARTITION).flat();
  expect(regions).toEqual([...new Set(regions)]);
  expect(regions.length).toBeGreaterThanOrEqual(38);
});

test("ARNs carry the partition of their account", () => {
  const at = { partition: "aws-cn", account: "111122223333", region: "cn-north-1" } as const;
  expect(accountRootArn(at)).toBe("arn:aws-cn:iam::111122223333:root");
  expect(eventBusArn(at, "orders")).toBe(
    "arn:aws-cn:events:cn-north-1:111122223333:event-bus/orders",
  );
  expect(queueArn(at, "q")).toBe("arn:aws-cn:sqs:cn-north-1:111122223333:q");
  expect(arn({ partition: "aws", service: "s3", resource: "bucket" })).toBe("arn:aws:s3:::bucket");
});

test("services that call KMS have the same suffix in every partition", () => {
  expect(viaService("s3", "cn-north-1")).toBe("s3.cn-north-1.amazonaws.com");
});

test("an ARN is taken apart", () => {
  expect(parseArn("arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/mrk-1")).toEqual({
    partition: "aws-us-gov",
    service: "kms",
    region: "us-gov-west-1",
    account: "111122223333",
    resource: "key/mrk-1",
  });
  expect(parseArn("arn:aws:s3:::bucket")).toMatchObject({ region: "", account: "" });
});

test.each(["", "arn:aws-iso:kms:r:111122223333:key/1", "arn:aws:kms:r:1111:key/1", "key/1"])(
  "%p is no ARN",
  (text) => {
    expect(parseArn(text)).toBeUndefined();
  },
);
