import type { DeadLetterDelivery } from "../kms/key-policy";
import {
  ANNOUNCE_DEAD_LETTER_QUEUE,
  ANNOUNCE_RULE,
  FORWARD_DEAD_LETTER_QUEUE,
  FORWARD_RULE_PREFIX,
  HUB_BUS,
} from "../names";
import { type AwsLocation, ruleArn } from "../partition";

/** The queue of what a region could not forward. */
export function forwardDeadLetters(at: AwsLocation): DeadLetterDelivery {
  return {
    queueName: FORWARD_DEAD_LETTER_QUEUE,
    sourceArns: [ruleArn(at, `${FORWARD_RULE_PREFIX}*`)],
  };
}

/** The queue of what `announce` could not be started with. */
export function announceDeadLetters(at: AwsLocation): DeadLetterDelivery {
  return {
    queueName: ANNOUNCE_DEAD_LETTER_QUEUE,
    sourceArns: [ruleArn(at, ANNOUNCE_RULE, HUB_BUS)],
  };
}
