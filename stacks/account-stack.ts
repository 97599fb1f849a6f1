import { DataAwsCallerIdentity } from "@cdktf/provider-aws/lib/data-aws-caller-identity";
import { AwsProvider } from "@cdktf/provider-aws/lib/provider";
import { S3Backend, TerraformResource, TerraformStack } from "cdktf";
import type { Construct } from "constructs";
import type { AccountConfig } from "../config/account-config";
import { ACCOUNT_TAG, stateObjectKey } from "../modules/names";
import type { AwsLocation } from "../modules/partition";

/** AWS profile that provider requests use. It gets its role from whoever runs Terraform. */
export const PROVIDER_PROFILE = "keyspan";
/** AWS profile that requests for Terraform's states use. */
export const STATE_PROFILE = "keyspan-state";

/** Props of an {@link AccountStack}. */
export interface AccountStackProps {
  readonly account: AccountConfig;
  /** Region of the provider: of every resource that names none. */
  readonly region: string;
  /** Whether resources stand in several regions. Then each must name its own. */
  readonly spansRegions: boolean;
}

/**
 * What every stack has in common: state, provider, default tags, and the refusal to work on the
 * wrong account, workspace or partition.
 *
 * No role is named: a saved plan keeps the provider and backend it was made with, and a plan is made
 * by one role and applied by another. Both profiles get their role from the AWS config file of
 * whoever runs Terraform, so the JSON is the same for all.
 */
export abstract class AccountStack extends TerraformStack {
  protected readonly account: AccountConfig;
  /** Region of every resource that names none. */
  readonly providerRegion: string;
  private readonly spansRegions: boolean;

  constructor(scope: Construct, id: string, props: AccountStackProps) {
    super(scope, id);
    const { account } = props;
    this.account = account;
    this.providerRegion = props.region;
    this.spansRegions = props.spansRegions;

    new S3Backend(this, {
      bucket: account.state.bucket,
      region: account.state.region,
      key: stateObjectKey(id),
      workspaceKeyPrefix: account.state.keyPrefix,
      encrypt: true,
      profile: STATE_PROFILE,
      allowedAccountIds: [account.state.account],
    });
    // CDKTF 0.21 has no property for S3's own locks.
    this.addOverride("terraform.backend.s3.use_lockfile", true);

    new AwsProvider(this, "Aws", {
      region: props.region,
      profile: PROVIDER_PROFILE,
      allowedAccountIds: [onlyInWorkspace(account)],
      defaultTags: [
        {
          tags: {
            ...account.tags,
            [ACCOUNT_TAG]: account.workspace,
            "keyspan:stack": id,
          },
        },
      ],
    });

    // It also makes Terraform configure the provider in a stack that holds nothing else.
    new DataAwsCallerIdentity(this, "Caller", {
      lifecycle: {
        postcondition: [
          {
            condition: `\${startswith(self.arn, "arn:${account.partition}:")}`,
            errorMessage: `The credentials must be of partition ${account.partition}, where account ${account.workspace} is.`,
          },
        ],
      },
    }).overrideLogicalId("caller");

    this.node.addValidation({ validate: () => this.regionProblems() });
  }

  /** Where the stack's resources are. */
  protected locationIn(region: string): AwsLocation {
    return { partition: this.account.partition, account: this.account.id, region };
  }

  private regionProblems(): string[] {
    return this.node.findAll().flatMap((construct) => {
      if (!TerraformResource.isTerraformResource(construct) || !("regionInput" in construct)) {
        return [];
      }
      const { regionInput: region } = construct;
      if (this.spansRegions && region === undefined) {
        return [
          `${construct.node.path}: region must be given in a stack that spans regions, got nothing; without it the resource lands in ${this.providerRegion}`,
        ];
      }
      if (!this.spansRegions && region !== undefined && region !== this.providerRegion) {
        return [
          `${construct.node.path}: region must be that of the stack, ${this.providerRegion}, got ${String(region)}; remove it`,
        ];
      }
      return [];
    });
  }
}

/**
 * The account's id, as an expression that fails in every workspace but the account's own.
 *
 * The provider evaluates it for plan, apply, destroy and refresh alike.
 */
function onlyInWorkspace({ workspace, id }: AccountConfig): string {
  return `\${{"${workspace}" = "${id}"}[terraform.workspace]}`;
}
