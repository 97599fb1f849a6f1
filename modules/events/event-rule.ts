import { CloudwatchEventRule } from "@cdktf/provider-aws/lib/cloudwatch-event-rule";
import { CloudwatchEventTarget } from "@cdktf/provider-aws/lib/cloudwatch-event-target";
import type { ITerraformDependable } from "cdktf";
import { Construct } from "constructs";
import { showValue, ValidationError } from "../errors";
import { nameProblem, RULE_NAME } from "../names";
import type { EventPattern } from "./event-pattern";
import { eventPatternProblems } from "./event-pattern";
import {
  MAX_RULE_PATTERN_CHARACTERS,
  MAX_TARGETS_PER_RULE,
  RULE_LIMITS_SOURCE,
} from "./rule-limits";

/**
 * How long EventBridge tries to deliver: its longest and most.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_RetryPolicy.html
 */
const RETRIES = { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 };

/** Where a rule sends what it matches. */
export interface RuleTarget {
  /** Id of the target within its rule. */
  readonly targetId: string;
  readonly arn: string;
  /** Role that EventBridge takes. @default - EventBridge itself, which the target's policy must admit */
  readonly roleArn?: string;
  /** Queue of the same region for what cannot be delivered. @default - it is lost */
  readonly deadLetterArn?: string;
}

/** Props of an {@link EventRule}. */
export interface EventRuleProps {
  /** Name of the rule. Changing this replaces the rule. */
  readonly ruleName: string;
  /** Name of the rule, and beginning of those of its targets, in addresses. */
  readonly addressName: string;
  readonly description: string;
  readonly region: string;
  /** Bus on which the rule stands. @default - the default bus */
  readonly eventBusName?: string;
  readonly eventPattern: EventPattern;
  /** 1 to 5. */
  readonly targets: readonly RuleTarget[];
  /** What must be there before events are sent. @default - nothing but what the targets name */
  readonly after?: readonly ITerraformDependable[];
}

/**
 * A rule of an event bus, with its targets.
 *
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rules.html
 */
export class EventRule extends Construct {
  /** Its targets, for what has to be made after them. */
  readonly targets: readonly ITerraformDependable[];
  /** The bus on which it stands, and where. */
  readonly bus: string;

  /** @throws {ValidationError} if EventBridge would refuse the name, the pattern or so many targets */
  constructor(scope: Construct, id: string, props: EventRuleProps) {
    super(scope, id);
    checkRule(props);
    this.bus = `${props.eventBusName === undefined ? "the default bus" : "the custom bus"} in ${props.region}`;
    const rule = new CloudwatchEventRule(this, "Resource", {
      name: props.ruleName,
      description: props.description,
      region: props.region,
      eventBusName: props.eventBusName,
      eventPattern: JSON.stringify(props.eventPattern),
    });
    rule.overrideLogicalId(props.addressName);
    this.targets = props.targets.map((target) => {
      const made = new CloudwatchEventTarget(this, `Target-${target.targetId}`, {
        rule: rule.name,
        eventBusName: props.eventBusName,
        region: props.region,
        targetId: target.targetId,
        arn: target.arn,
        roleArn: target.roleArn,
        retryPolicy: RETRIES,
        dependsOn: props.after && [...props.after],
        deadLetterConfig:
          target.deadLetterArn === undefined ? undefined : { arn: target.deadLetterArn },
      });
      made.overrideLogicalId(`${props.addressName}_${target.targetId}`);
      return made;
    });
  }
}

function checkRule({ ruleName, eventPattern, targets }: EventRuleProps): void {
  const nameIsWrong = nameProblem(ruleName, RULE_NAME);
  const characters = JSON.stringify(eventPattern).length;
  const problems = [
    ...(nameIsWrong === undefined
      ? []
      : [`the rule's name ${nameIsWrong}, got ${showValue(ruleName)}; shorten it`]),
    ...(characters > MAX_RULE_PATTERN_CHARACTERS
      ? [
          `the event pattern must have at most ${MAX_RULE_PATTERN_CHARACTERS} characters (${RULE_LIMITS_SOURCE}), got ${characters}; split it over several rules`,
        ]
      : []),
    ...(targets.length < 1 || targets.length > MAX_TARGETS_PER_RULE
      ? [
          `the targets must be 1 to ${MAX_TARGETS_PER_RULE} (${RULE_LIMITS_SOURCE}), got ${targets.length}; use several rules`,
        ]
      : []),
    ...eventPatternProblems(eventPattern).map(
      ({ path, must, got, fix }) =>
        `the event pattern's ${path.join(".") || "whole"} ${must}, got ${showValue(got)}; ${fix}`,
    ),
  ];
  if (problems.length > 0) {
    throw new ValidationError(problems.map((problem) => `${ruleName}: ${problem}`).join("\n"));
  }
}
