import { CloudwatchLogGroup } from "@cdktf/provider-aws/lib/cloudwatch-log-group";
import { CloudwatchLogResourcePolicy } from "@cdktf/provider-aws/lib/cloudwatch-log-resource-policy";
import { Construct } from "constructs";
import { renderPolicy } from "../iam/policy";
import {
  type AwsLocation,
  EVENTBRIDGE_PRINCIPAL,
  LOG_DELIVERY_PRINCIPAL,
  logGroupArn,
} from "../partition";
import { LOG_POLICY_LIMIT } from "./log-limits";

/** Props of an {@link EventLogGroup}. */
export interface EventLogGroupProps {
  /** Name of the log group. Changing this replaces it, with what it holds. */
  readonly logGroupName: string;
  /** Name of the log group and of its policy in addresses. */
  readonly addressName: string;
  /** Name of the policy in AWS. */
  readonly policyName: string;
  readonly at: AwsLocation;
  readonly retentionDays: number;
  /** ARNs of the rules that write; `*` and `?` are wildcards. */
  readonly ruleArns: readonly string[];
}

/**
 * A log group into which rules of EventBridge write events. Rules have no role for logs: a policy of
 * the region admits the service.
 *
 * `IfExists`: EventBridge's guide binds only the writing to the rules, not the making of streams.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-cloudwatchlogs-permissions
 */
export class EventLogGroup extends Construct {
  /** ARN of the log group: a token, so that whoever uses it waits for it. Its policy may follow. */
  readonly logGroupArn: string;

  constructor(scope: Construct, id: string, props: EventLogGroupProps) {
    super(scope, id);
    const { at, addressName } = props;
    const group = new CloudwatchLogGroup(this, "Resource", {
      name: props.logGroupName,
      region: at.region,
      retentionInDays: props.retentionDays,
    });
    group.overrideLogicalId(addressName);
    new CloudwatchLogResourcePolicy(this, "Policy", {
      policyName: props.policyName,
      region: at.region,
      policyDocument: renderPolicy(
        [
          {
            Sid: "EventBridgeWrites",
            Effect: "Allow",
            Principal: { Service: [LOG_DELIVERY_PRINCIPAL, EVENTBRIDGE_PRINCIPAL] },
            Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
            Resource: `${logGroupArn(at, props.logGroupName)}:*`,
            Condition: {
              StringEqualsIfExists: { "aws:SourceAccount": at.account },
              ArnLikeIfExists: { "aws:SourceArn": [...props.ruleArns].sort() },
            },
          },
        ],
        LOG_POLICY_LIMIT,
        props.logGroupName,
      ),
    }).overrideLogicalId(addressName);
    this.logGroupArn = group.arn;
  }
}
