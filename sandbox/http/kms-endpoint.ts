/** What KMS tells over HTTP. It changes nothing. */
import { join } from "node:path";
import * as z from "zod";
import { type AwsLocation, arn, parseArn } from "../../modules/partition";
import { KMS_ALIASES, KMS_KEYS, type KmsKeyObject, keyStateOf } from "../aws/kms";
import { ObjectStore } from "../aws/object-store";
import type { AwsRequest } from "./aws-request";
import type { HttpAnswer } from "./http-answer";
import { HttpError } from "./http-error";

/** Service of the operations, as their header names it. */
const TARGET = "TrentService.";

const inputSchema = z.object({
  KeyId: z.string().optional(),
  Limit: z.number().int().positive().optional(),
  Marker: z.string().optional(),
});

type Input = z.output<typeof inputSchema>;

/** The operation that a request asks for. */
export function kmsOperationOf({ headers }: AwsRequest): string {
  return String(headers["x-amz-target"]).replace(TARGET, "");
}

/**
 * The keys of the account whose role asks, in the region that the request was signed for.
 *
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/Welcome.html
 */
export class KmsEndpoint {
  /** @param directory - folder of the sandbox */
  constructor(private readonly directory: string) {}

  /** @throws {HttpError} if KMS would refuse it, and `UnknownOperationException` for what is not simulated */
  answer(request: AwsRequest): HttpAnswer {
    const operation = kmsOperationOf(request);
    const role = parseArn(request.session?.roleArn ?? "");
    if (role === undefined) {
      throw new HttpError(
        400,
        "AccessDeniedException",
        `Whoever has no role is not authorized to perform: kms:${operation}`,
      );
    }
    const at = { partition: role.partition, account: role.account, region: request.region };
    const region = new KmsRegion(new ObjectStore(join(this.directory, "aws", role.account)), at);
    const input = inputSchema.parse(JSON.parse(request.body.toString("utf8") || "{}"));
    return {
      status: 200,
      headers: { "content-type": "application/x-amz-json-1.1" },
      body: JSON.stringify(region.answer(operation, input)),
    };
  }
}

class KmsRegion {
  constructor(
    private readonly store: ObjectStore,
    private readonly at: AwsLocation,
  ) {}

  answer(operation: string, input: Input): object {
    switch (operation) {
      case "ListKeys":
        return page(
          "Keys",
          this.keys,
          input,
          100,
          ({ keyId }) => keyId,
          ({ keyId, arn: keyArn }) => ({
            KeyId: keyId,
            KeyArn: keyArn,
          }),
        );
      case "DescribeKey":
        return { KeyMetadata: this.metadataOf(this.keyOf(input.KeyId ?? "")) };
      case "ListResourceTags":
        return page(
          "Tags",
          Object.entries(this.keyOf(input.KeyId ?? "").tags),
          input,
          50,
          ([name]) => name,
          ([TagKey, TagValue]) => ({ TagKey, TagValue }),
        );
      case "ListAliases": {
        const keyId = input.KeyId === undefined ? undefined : this.keyOf(input.KeyId).keyId;
        const aliases = this.store
          .list(KMS_ALIASES, this.at.region)
          .map(([, alias]) => alias)
          .filter(({ targetKeyId }) => keyId === undefined || targetKeyId === keyId);
        return page(
          "Aliases",
          aliases,
          input,
          50,
          ({ name }) => name,
          ({ name, targetKeyId }) => ({
            AliasName: name,
            AliasArn: arn({ ...this.at, service: "kms", resource: name }),
            TargetKeyId: targetKeyId,
          }),
        );
      }
      default:
        throw new HttpError(
          400,
          "UnknownOperationException",
          `The sandbox does not know kms:${operation}`,
        );
    }
  }

  private get keys(): readonly KmsKeyObject[] {
    return this.store.list(KMS_KEYS, this.at.region).map(([, key]) => key);
  }

  /** The key of that id, key ARN, alias or alias ARN. */
  private keyOf(name: string): KmsKeyObject {
    const parts = parseArn(name);
    const resource = parts?.resource ?? name;
    const isHere =
      parts === undefined || (parts.region === this.at.region && parts.account === this.at.account);
    const keyId = resource.startsWith("alias/")
      ? this.store.get(KMS_ALIASES, this.at.region, resource)?.targetKeyId
      : resource.replace(/^key\//, "");
    const key =
      !isHere || keyId === undefined ? undefined : this.store.get(KMS_KEYS, this.at.region, keyId);
    if (key === undefined) {
      throw new HttpError(
        400,
        "NotFoundException",
        `Key '${parts === undefined ? arn({ ...this.at, service: "kms", resource: name.startsWith("alias/") ? name : `key/${name}` }) : name}' does not exist`,
      );
    }
    return key;
  }

  /** @see https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyMetadata.html */
  private metadataOf(key: KmsKeyObject): object {
    const { deletion, primaryRegion, keyId } = key;
    const state = keyStateOf(key);
    const nameIn = (region: string) => ({
      Arn: arn({ ...this.at, region, service: "kms", resource: `key/${keyId}` }),
      Region: region,
    });
    return {
      AWSAccountId: this.at.account,
      KeyId: keyId,
      Arn: key.arn,
      Description: key.description,
      Enabled: state === "Enabled",
      KeyState: state,
      KeyUsage: "ENCRYPT_DECRYPT",
      KeySpec: "SYMMETRIC_DEFAULT",
      CustomerMasterKeySpec: "SYMMETRIC_DEFAULT",
      EncryptionAlgorithms: ["SYMMETRIC_DEFAULT"],
      KeyManager: "CUSTOMER",
      Origin: "AWS_KMS",
      MultiRegion: key.multiRegion,
      ...(key.multiRegion && {
        MultiRegionConfiguration: {
          MultiRegionKeyType: this.at.region === primaryRegion ? "PRIMARY" : "REPLICA",
          PrimaryKey: nameIn(primaryRegion),
          ReplicaKeys: this.store
            .regions()
            .filter(
              (region) =>
                region !== primaryRegion && this.store.get(KMS_KEYS, region, keyId) !== undefined,
            )
            .map(nameIn),
        },
      }),
      ...(deletion?.date !== undefined && {
        DeletionDate: Math.floor(Date.parse(deletion.date) / 1000),
      }),
      ...(state === "PendingReplicaDeletion" && {
        PendingDeletionWindowInDays: deletion?.windowDays,
      }),
    };
  }
}

/** A page of a list, and where the next begins. */
function page<T>(
  field: string,
  all: readonly T[],
  { Limit, Marker }: Input,
  defaultLimit: number,
  idOf: (one: T) => string,
  shown: (one: T) => object,
): object {
  const start = Marker === undefined ? 0 : all.findIndex((one) => idOf(one) === Marker);
  if (start < 0) {
    throw new HttpError(400, "InvalidMarkerException", `Nothing is at ${Marker}`);
  }
  const end = start + (Limit ?? defaultLimit);
  const next = all[end];
  return {
    [field]: all.slice(start, end).map(shown),
    Truncated: next !== undefined,
    ...(next !== undefined && { NextMarker: idOf(next) }),
  };
}
