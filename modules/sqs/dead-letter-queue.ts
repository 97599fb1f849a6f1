import { SqsQueue } from "@cdktf/provider-aws/lib/sqs-queue";
import { SqsQueuePolicy } from "@cdktf/provider-aws/lib/sqs-queue-policy";
import { Construct } from "constructs";
import { renderPolicy } from "../iam/policy";
import type { KeyRef } from "../kms/key-ref";
import { type AwsLocation, EVENTBRIDGE_PRINCIPAL, queueArn } from "../partition";
import { QUEUE_POLICY_LIMIT } from "./queue-limits";

/** Longest time that a queue keeps a message: 14 days. @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html */
const LONGEST_RETENTION_SECONDS = 1_209_600;

/** Props of a {@link DeadLetterQueue}. */
export interface DeadLetterQueueProps {
  /** Name of the queue. Changing this replaces the queue. */
  readonly queueName: string;
  /** Name of the queue and of its policy in addresses. */
  readonly addressName: string;
  /** Where the queue is. */
  readonly at: AwsLocation;
  /** Whether the stack spans regions: then the queue names its own. @default false */
  readonly namesRegion?: boolean;
  /** Key of the same region that encrypts the queue. @default - a key that SQS owns */
  readonly key?: KeyRef;
  /** ARNs of the event buses or rules whose failures arrive here; nothing else may send. At least one. */
  readonly sourceArns: readonly string[];
}

/**
 * A queue for what EventBridge could not process, kept for 14 days.
 *
 * EventBridge sends, for these sources, and everybody only over TLS. Whoever else of the account has
 * IAM permissions on the queue still has no use of its key. It is encrypted with another key than
 * the bus: otherwise both would fail together.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
 */
export class DeadLetterQueue extends Construct {
  /** ARN of the queue: a token, so that whoever uses it waits for the queue. */
  readonly queueArn: string;

  constructor(scope: Construct, id: string, props: DeadLetterQueueProps) {
    super(scope, id);
    const region = props.namesRegion === true ? props.at.region : undefined;
    const queue = new SqsQueue(this, "Resource", {
      name: props.queueName,
      region,
      kmsMasterKeyId: props.key?.keyArn,
      sqsManagedSseEnabled: props.key === undefined ? true : undefined,
      messageRetentionSeconds: LONGEST_RETENTION_SECONDS,
    });
    queue.overrideLogicalId(props.addressName);
    const resource = queueArn(props.at, props.queueName);
    new SqsQueuePolicy(this, "Policy", {
      queueUrl: queue.url,
      region,
      policy: renderPolicy(
        [
          {
            Sid: "EventBridgeSends",
            Effect: "Allow",
            Principal: { Service: EVENTBRIDGE_PRINCIPAL },
            Action: "sqs:SendMessage",
            Resource: resource,
            Condition: { ArnEquals: { "aws:SourceArn": [...props.sourceArns].sort() } },
          },
          {
            Sid: "DenyWithoutTls",
            Effect: "Deny",
            Principal: "*",
            Action: "sqs:*",
            Resource: resource,
            Condition: { Bool: { "aws:SecureTransport": "false" } },
          },
        ],
        QUEUE_POLICY_LIMIT,
        props.queueName,
      ),
    }).overrideLogicalId(props.addressName);
    this.queueArn = queue.arn;
  }
}
