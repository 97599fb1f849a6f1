import { Construct } from "constructs";
import { iamRegionRules } from "../events/forward-patterns";
import type { AwsLocation } from "../partition";
import { DeadLetterQueue } from "../sqs/dead-letter-queue";
import { forwardDeadLetters } from "./dead-letters";
import { defineDeadLettersAlarm, defineForwardRules, type ForwardRulesOf } from "./regional-watch";

/** Props of an {@link IamWatch}. */
export interface IamWatchProps extends Omit<ForwardRulesOf, "rules"> {
  /** The partition's IAM region, which is none of those that are watched. */
  readonly at: AwsLocation;
}

/**
 * The rules that forward IAM's events from where they come, a region that is otherwise not used, and
 * what touches those rules.
 *
 * No key of Keyspan is in that region, so its dead-letter queue is encrypted by SQS.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html
 */
export class IamWatch extends Construct {
  constructor(scope: Construct, id: string, props: IamWatchProps) {
    super(scope, id);
    const { at } = props;
    const { queueName, sourceArns } = forwardDeadLetters(at);
    const queue = new DeadLetterQueue(this, "DeadLetterQueue", {
      queueName,
      addressName: `forward-dead-letter_${at.region}`,
      at,
      namesRegion: true,
      sourceArns,
    });
    defineForwardRules(this, { ...props, rules: iamRegionRules({ at }) }, queue.queueArn);
    defineDeadLettersAlarm(this, at.region);
  }
}
