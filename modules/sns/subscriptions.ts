import { DataAwsSsmParameter } from "@cdktf/provider-aws/lib/data-aws-ssm-parameter";
import { SnsTopicSubscription } from "@cdktf/provider-aws/lib/sns-topic-subscription";
import { Construct } from "constructs";

/** Who hears. */
export interface Subscription {
  readonly protocol: "email" | "https" | "sqs" | "lambda";
  /** The endpoint itself, or the name of the SSM parameter of the topic's region that holds it. */
  readonly endpoint: { readonly value: string } | { readonly ssmParameter: string };
  /** Whether only what is critical arrives from topics that filter. */
  readonly severity: "critical" | "all";
}

/** A topic on which every subscription is made. */
export interface SubscribedTopic {
  /** Beginning of the addresses of its subscriptions. */
  readonly addressName: string;
  readonly topicArn: string;
  /**
   * Whether a subscription to what is critical is filtered by the attribute `severity`. What has no
   * attributes, such as an alarm's own message, passes no filter.
   */
  readonly filters: boolean;
}

/** Props of {@link Subscriptions}. */
export interface SubscriptionsProps {
  readonly region: string;
  readonly topics: readonly SubscribedTopic[];
  readonly subscriptions: readonly Subscription[];
}

/** Name of the message attribute that says how bad it is: `critical`, `warning` or `info`. */
export const SEVERITY_ATTRIBUTE = "severity";

/**
 * Every subscription, on every topic.
 *
 * An e-mail address and an https endpoint must confirm each of them: Terraform does not wait.
 *
 * @see https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
 */
export class Subscriptions extends Construct {
  constructor(scope: Construct, id: string, props: SubscriptionsProps) {
    super(scope, id);
    const endpoints = props.subscriptions.map(({ endpoint }) => this.endpointOf(endpoint, props));
    for (const topic of props.topics) {
      for (const [index, { protocol, severity }] of props.subscriptions.entries()) {
        const addressName = `${topic.addressName}_${subscriptionName(props.subscriptions, index)}`;
        new SnsTopicSubscription(this, `Subscription-${addressName}`, {
          topicArn: topic.topicArn,
          region: props.region,
          protocol,
          endpoint: endpoints[index] ?? "",
          filterPolicy:
            topic.filters && severity === "critical"
              ? JSON.stringify({ [SEVERITY_ATTRIBUTE]: ["critical"] })
              : undefined,
        }).overrideLogicalId(addressName);
      }
    }
  }

  private endpointOf(endpoint: Subscription["endpoint"], { region }: SubscriptionsProps): string {
    if ("value" in endpoint) {
      return endpoint.value;
    }
    const name = `parameter_${addressable(endpoint.ssmParameter)}`;
    const known = this.node.tryFindChild(name);
    if (known instanceof DataAwsSsmParameter) {
      return known.value;
    }
    const parameter = new DataAwsSsmParameter(this, name, {
      name: endpoint.ssmParameter,
      region,
      withDecryption: true,
    });
    parameter.overrideLogicalId(name);
    return parameter.value;
  }
}

/**
 * Name of a subscription in addresses. It comes from the endpoint, so that adding or removing another
 * one changes nothing about this one.
 */
function subscriptionName(all: readonly Subscription[], index: number): string {
  const nameOf = ({ protocol, endpoint }: Subscription) =>
    addressable(`${protocol}-${"value" in endpoint ? endpoint.value : endpoint.ssmParameter}`);
  const subscription = all[index];
  if (subscription === undefined) {
    throw new Error(`there is no subscription ${index}`);
  }
  const name = nameOf(subscription);
  const before = all.slice(0, index).filter((other) => nameOf(other) === name).length;
  return before === 0 ? name : `${name}-${before + 1}`;
}

/** A text in which everything that an address may not hold is a hyphen. */
function addressable(text: string): string {
  return text.replace(/[^A-Za-z0-9_-]+/g, "-").replace(/^-+|-+$/g, "");
}
