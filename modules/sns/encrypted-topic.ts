import { SnsTopic } from "@cdktf/provider-aws/lib/sns-topic";
import { SnsTopicPolicy } from "@cdktf/provider-aws/lib/sns-topic-policy";
import { Construct } from "constructs";
import { exactRoles, renderPolicy } from "../iam/policy";
import type { KeyRef } from "../kms/key-ref";
import { type AwsLocation, CLOUDWATCH_PRINCIPAL, topicArn } from "../partition";
import { TOPIC_POLICY_LIMIT } from "./topic-limits";

/** Props of an {@link EncryptedTopic}. */
export interface EncryptedTopicProps {
  /** Name of the topic. Changing this replaces the topic and its subscriptions. */
  readonly topicName: string;
  /** Name of the topic and of its policy in addresses. */
  readonly addressName: string;
  /** Where the topic is. */
  readonly at: AwsLocation;
  /** Key of the same region that encrypts messages. */
  readonly key: KeyRef;
  /** ARN of the one role that publishes. It may not exist yet. */
  readonly publisherRoleArn: string;
  /** ARNs of the alarms that act on the topic; `*` and `?` are wildcards. */
  readonly alarmArns: readonly string[];
}

/**
 * A topic encrypted with a customer managed key, on which one role and Keyspan's alarms publish, over
 * TLS.
 *
 * Principals of the account itself need only IAM, so everybody of it but the role is denied. Services
 * have no `aws:PrincipalAccount`: the denial meets none of them. SNS refuses a policy with actions
 * that are not about topics, so TLS is demanded for publishing alone.
 *
 * @see https://docs.aws.amazon.com/sns/latest/dg/sns-security-best-practices.html#enforce-encryption-data-in-transit
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
 */
export class EncryptedTopic extends Construct {
  /** ARN of the topic: a token, so that whoever uses it waits for the topic. */
  readonly topicArn: string;

  constructor(scope: Construct, id: string, props: EncryptedTopicProps) {
    super(scope, id);
    const { at, addressName } = props;
    const topic = new SnsTopic(this, "Resource", {
      name: props.topicName,
      region: at.region,
      kmsMasterKeyId: props.key.keyArn,
    });
    topic.overrideLogicalId(addressName);
    const publish = { Action: "sns:Publish", Resource: topicArn(at, props.topicName) } as const;
    new SnsTopicPolicy(this, "Policy", {
      arn: topic.arn,
      region: at.region,
      policy: renderPolicy(
        [
          {
            Sid: "AnnouncePublishes",
            Effect: "Allow",
            ...exactRoles([props.publisherRoleArn]),
            ...publish,
          },
          {
            Sid: "AlarmsPublish",
            Effect: "Allow",
            Principal: { Service: CLOUDWATCH_PRINCIPAL },
            ...publish,
            Condition: {
              StringEquals: { "aws:SourceAccount": at.account },
              ArnLike: { "aws:SourceArn": [...props.alarmArns].sort() },
            },
          },
          {
            Sid: "DenyUnnamed",
            Effect: "Deny",
            Principal: "*",
            ...publish,
            Condition: {
              StringEquals: { "aws:PrincipalAccount": at.account },
              ArnNotEquals: { "aws:PrincipalArn": [props.publisherRoleArn] },
            },
          },
          {
            Sid: "DenyWithoutTls",
            Effect: "Deny",
            Principal: "*",
            ...publish,
            Condition: { Bool: { "aws:SecureTransport": "false" } },
          },
        ],
        TOPIC_POLICY_LIMIT,
        props.topicName,
      ),
    }).overrideLogicalId(addressName);
    this.topicArn = topic.arn;
  }
}
