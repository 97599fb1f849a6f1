import { randomUUID } from "node:crypto";
import * as z from "zod";
import { type NameLimit, nameProblem } from "../../modules/names";
import { type AwsLocation, parseArn, topicArn } from "../../modules/partition";
import { TOPIC_POLICY_LIMIT } from "../../modules/sns/topic-limits";
import { AwsError, isAwsError } from "./aws-error";
import { principalChecks } from "./iam";
import { keyUseProblem } from "./key-use";
import type { ObjectKind } from "./object-store";
import { type PolicyRules, type PolicyStatement, parsePolicy } from "./policy";
import type { SimulatedAws } from "./simulated-aws";

const feedbackAttributes = ["Application", "Firehose", "HTTP", "Lambda", "SQS"].flatMap(
  (protocol) =>
    [
      `${protocol}FailureFeedbackRoleArn`,
      `${protocol}SuccessFeedbackRoleArn`,
      `${protocol}SuccessFeedbackSampleRate`,
    ] as const,
);

/**
 * What can be set of a standard topic. Its values are texts, numbers too.
 *
 * @see https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html
 */
export const TOPIC_ATTRIBUTES: readonly string[] = [
  ...feedbackAttributes,
  "DeliveryPolicy",
  "DisplayName",
  "KmsMasterKeyId",
  "Policy",
  "SignatureVersion",
  "TracingConfig",
];

const tagsSchema = z.record(z.string(), z.string());

const topicSchema = z.object({
  name: z.string(),
  arn: z.string(),
  /** Account id. */
  owner: z.string(),
  /**
   * By the names of {@link TOPIC_ATTRIBUTES}, as far as they are set. `Policy` always is: JSON text.
   * `KmsMasterKeyId` is the id, ARN or alias of a key; without it, messages are not encrypted.
   */
  attributes: z.record(z.string(), z.string()),
  tags: tagsSchema,
});

/** A topic as the simulated account keeps it. */
export type TopicObject = z.output<typeof topicSchema>;

/** Where topics are kept: by name. */
export const TOPICS: ObjectKind<TopicObject> = { folder: "sns-topics", schema: topicSchema };

const subscriptionSchema = z.object({
  arn: z.string(),
  topicArn: z.string(),
  /** One of {@link SUBSCRIPTION_PROTOCOLS}. */
  protocol: z.string(),
  /** Address, URL or ARN, as the protocol wants it. */
  endpoint: z.string(),
  /** Account id. */
  owner: z.string(),
  /** Whether messages are delivered to it: addresses and URLs have to be confirmed by whoever is there. */
  confirmed: z.boolean(),
  confirmationWasAuthenticated: z.boolean(),
  /** By the names of {@link SUBSCRIPTION_ATTRIBUTES}, as far as they are set. */
  attributes: z.record(z.string(), z.string()),
});

/** A subscription as the simulated account keeps it. */
export type SubscriptionObject = z.output<typeof subscriptionSchema>;

/** Where subscriptions are kept: by the id at the end of their ARN, in the region of their topic. */
export const SUBSCRIPTIONS: ObjectKind<SubscriptionObject> = {
  folder: "sns-subscriptions",
  schema: subscriptionSchema,
};

/**
 * What can be set of a subscription.
 *
 * @see https://docs.aws.amazon.com/sns/latest/api/API_SetSubscriptionAttributes.html
 */
export const SUBSCRIPTION_ATTRIBUTES: readonly string[] = [
  "DeliveryPolicy",
  "FilterPolicy",
  "FilterPolicyScope",
  "RawMessageDelivery",
  "RedrivePolicy",
  "ReplayPolicy",
  "SubscriptionRoleArn",
];

/** @see https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html */
export const SUBSCRIPTION_PROTOCOLS: readonly string[] = [
  "application",
  "email",
  "email-json",
  "firehose",
  "http",
  "https",
  "lambda",
  "sms",
  "sqs",
];

/** To what a filter policy applies; the first is the default. */
export const FILTER_POLICY_SCOPES = ["MessageAttributes", "MessageBody"] as const;

/** Limit of the names of standard topics. */
export const TOPIC_NAME: NameLimit = {
  kind: "topic",
  maxCharacters: 256,
  pattern: /^[A-Za-z0-9_-]+$/,
  source: "https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html",
};

/**
 * Statements that a topic's policy may have.
 *
 * @see https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html#sns-policy-quotas
 */
export const MAX_TOPIC_POLICY_STATEMENTS = 100;

/**
 * Limits of a subscription's filter policy.
 *
 * @see https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
 */
export const FILTER_POLICY_LIMITS = {
  maxBytes: 262_144,
  maxKeys: 5,
  maxCombinations: 150,
} as const;

// https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html#sns-valid-policy-actions
// `Receive` is not on that page, but in the policy that SNS itself gives every topic.
const POLICY_ACTIONS: readonly string[] = [
  "AddPermission",
  "DeleteTopic",
  "GetDataProtectionPolicy",
  "GetTopicAttributes",
  "ListSubscriptionsByTopic",
  "ListTagsForResource",
  "Publish",
  "PutDataProtectionPolicy",
  "Receive",
  "RemovePermission",
  "SetTopicAttributes",
  "Subscribe",
].map((action) => `sns:${action}`.toLowerCase());

// The codes of SNS's query protocol, which the SDK for Go shows:
// https://github.com/anomalyco/sst/issues/4259
const INVALID = "InvalidParameter";
const NOT_FOUND = "NotFound";

const POLICY_RULES: PolicyRules = {
  malformed: INVALID,
  tooLarge: INVALID,
  maxBytes: TOPIC_POLICY_LIMIT.maxBytes,
  needs: ["principal", "resource"],
};

const PENDING = "Cannot unsubscribe a subscription that is pending confirmation";

/** What a subscription is made with. */
export interface SubscribeInput {
  readonly topicArn: string;
  readonly protocol: string;
  readonly endpoint: string;
  /** By the names of {@link SUBSCRIPTION_ATTRIBUTES}. */
  readonly attributes: Readonly<Record<string, string>>;
}

/**
 * The policy of a topic that has been given none: whoever the account's IAM policies let.
 *
 * @see https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
 * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/sns/topic_policy.go
 */
export function defaultTopicPolicy(arn: string, owner: string): string {
  return JSON.stringify({
    Version: "2008-10-17",
    Id: "__default_policy_ID",
    Statement: [
      {
        Sid: "__default_statement_ID",
        Effect: "Allow",
        Principal: { AWS: "*" },
        Action: [
          "SNS:GetTopicAttributes",
          "SNS:SetTopicAttributes",
          "SNS:AddPermission",
          "SNS:RemovePermission",
          "SNS:DeleteTopic",
          "SNS:Subscribe",
          "SNS:ListSubscriptionsByTopic",
          "SNS:Publish",
          "SNS:Receive",
        ],
        Resource: arn,
        Condition: { StringEquals: { "AWS:SourceOwner": owner } },
      },
    ],
  });
}

/**
 * SNS in one region: standard topics and their subscriptions. FIFO topics are not simulated.
 *
 * @see https://docs.aws.amazon.com/sns/latest/api/welcome.html
 */
export class Sns {
  constructor(
    private readonly aws: SimulatedAws,
    private readonly at: AwsLocation,
  ) {}

  /**
   * Makes a topic, or finds the one of that name.
   *
   * @returns its ARN
   * @throws {AwsError} `InvalidParameter` for its name, or if there is one with other tags
   * @see https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
   */
  createTopic(name: string, tags: Readonly<Record<string, string>>): Promise<string> {
    return this.change("CreateTopic", () => {
      if (nameProblem(name, TOPIC_NAME) !== undefined) {
        throw new AwsError(INVALID, "Invalid parameter: Topic Name");
      }
      const arn = topicArn(this.at, name);
      const existing = this.aws.store.get(TOPICS, this.at.region, name);
      if (existing === undefined) {
        const { account: owner } = this.at;
        const attributes = { Policy: defaultTopicPolicy(arn, owner) };
        this.write({ name, arn, owner, attributes, tags });
      } else if (!isSame(existing.tags, tags)) {
        throw new AwsError(
          INVALID,
          "Invalid parameter: Tags Reason: Topic already exists with different tags",
        );
      }
      return arn;
    });
  }

  /**
   * All there is of a topic, its tags included.
   *
   * @throws {AwsError} `NotFound`
   * @see https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html
   */
  getTopicAttributes(arn: string): Promise<TopicObject> {
    return this.aws.read("SNS: GetTopicAttributes", this.at.region, () => this.topicOf(arn));
  }

  /**
   * Sets one attribute; an empty text takes it away.
   *
   * @param name - one of {@link TOPIC_ATTRIBUTES}
   * @throws {AwsError} `NotFound`, `InvalidParameter`
   * @see https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html
   */
  setTopicAttributes(arn: string, name: string, value: string): Promise<void> {
    return this.change("SetTopicAttributes", () => {
      const topic = this.topicOf(arn);
      this.checkTopicAttribute(topic, name, value);
      this.write({ ...topic, attributes: withAttribute(topic.attributes, name, value) });
    });
  }

  /**
   * Deletes a topic with its subscriptions. One that is not there is no error.
   *
   * @see https://docs.aws.amazon.com/sns/latest/api/API_DeleteTopic.html
   */
  deleteTopic(arn: string): Promise<void> {
    return this.change("DeleteTopic", () => {
      for (const [id, { topicArn: of }] of this.aws.store.list(SUBSCRIPTIONS, this.at.region)) {
        if (of === arn) {
          this.aws.store.remove(SUBSCRIPTIONS, this.at.region, id);
        }
      }
      this.aws.store.remove(TOPICS, this.at.region, idOf(arn));
    });
  }

  /**
   * Replaces all tags.
   *
   * @throws {AwsError} `NotFound`
   * @see https://docs.aws.amazon.com/sns/latest/api/API_TagResource.html
   */
  tagResource(arn: string, tags: Readonly<Record<string, string>>): Promise<void> {
    return this.change("TagResource", () => {
      this.write({ ...this.topicOf(arn), tags });
    });
  }

  /**
   * Makes a subscription, or finds the one of that topic, protocol and endpoint. Queues, functions and
   * streams of the same account are confirmed at once; others wait for {@link confirmSubscription}.
   *
   * @returns its ARN, confirmed or not
   * @throws {AwsError} `NotFound` for the topic, `InvalidParameter` for the rest, also if there is one
   *   with other attributes
   * @see https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
   */
  subscribe({ topicArn: topic, protocol, endpoint, attributes }: SubscribeInput): Promise<string> {
    return this.change("Subscribe", () => {
      this.topicOf(topic);
      checkEndpoint(protocol, endpoint);
      const wanted = checkedSubscription(protocol, attributes, {});
      const [, existing] =
        this.aws.store
          .list(SUBSCRIPTIONS, this.at.region)
          .find(
            ([, other]) =>
              other.topicArn === topic &&
              other.protocol === protocol &&
              other.endpoint === endpoint,
          ) ?? [];
      if (existing !== undefined) {
        // Only what is given is compared: https://github.com/localstack/localstack/pull/9167
        if (
          Object.entries(attributes).some(([name, value]) => existing.attributes[name] !== value)
        ) {
          throw new AwsError(
            INVALID,
            "Invalid parameter: Attributes Reason: Subscription already exists with different attributes",
          );
        }
        return existing.arn;
      }
      const id = randomUUID();
      const confirmed = this.isConfirmedAtOnce(protocol, endpoint);
      this.aws.store.put(SUBSCRIPTIONS, this.at.region, id, {
        arn: `${topic}:${id}`,
        topicArn: topic,
        protocol,
        endpoint,
        owner: this.at.account,
        confirmed,
        confirmationWasAuthenticated: confirmed,
        attributes: wanted,
      });
      return `${topic}:${id}`;
    });
  }

  /**
   * What somebody does who follows the link in the message that asks to confirm.
   *
   * @throws {AwsError} `NotFound`
   * @see https://docs.aws.amazon.com/sns/latest/api/API_ConfirmSubscription.html
   */
  confirmSubscription(arn: string): Promise<void> {
    return this.change("ConfirmSubscription", () => {
      this.writeSubscription({ ...this.subscriptionOf(arn), confirmed: true });
    });
  }

  /**
   * @throws {AwsError} `NotFound`
   * @see https://docs.aws.amazon.com/sns/latest/api/API_GetSubscriptionAttributes.html
   */
  getSubscriptionAttributes(arn: string): Promise<SubscriptionObject> {
    return this.aws.read("SNS: GetSubscriptionAttributes", this.at.region, () =>
      this.subscriptionOf(arn),
    );
  }

  /**
   * Sets one attribute, also of a subscription that is not confirmed yet; an empty text takes it away,
   * as an empty filter policy does.
   *
   * @param name - one of {@link SUBSCRIPTION_ATTRIBUTES}
   * @throws {AwsError} `NotFound`, `InvalidParameter`
   * @see https://docs.aws.amazon.com/sns/latest/api/API_SetSubscriptionAttributes.html
   */
  setSubscriptionAttributes(arn: string, name: string, value: string): Promise<void> {
    return this.change("SetSubscriptionAttributes", () => {
      const subscription = this.subscriptionOf(arn);
      const { protocol, attributes } = subscription;
      this.writeSubscription({
        ...subscription,
        attributes: checkedSubscription(protocol, { [name]: value }, attributes),
      });
    });
  }

  /**
   * Deletes a subscription. One that is not there is no error. One that is not confirmed yet stays
   * until SNS gives up on it, after 48 hours, or its topic is deleted; here nothing gives up.
   *
   * @throws {AwsError} `InvalidParameter` if it is not confirmed yet
   * @see https://docs.aws.amazon.com/sns/latest/api/API_Unsubscribe.html
   * @see https://docs.aws.amazon.com/sns/latest/dg/sns-delete-subscription-topic.html
   */
  unsubscribe(arn: string): Promise<void> {
    return this.change("Unsubscribe", () => {
      const subscription = this.aws.store.get(SUBSCRIPTIONS, this.at.region, idOf(arn));
      if (subscription?.confirmed === false) {
        throw new AwsError(INVALID, PENDING);
      }
      this.aws.store.remove(SUBSCRIPTIONS, this.at.region, idOf(arn));
    });
  }

  private topicOf(arn: string): TopicObject {
    const topic = this.aws.store.get(TOPICS, this.at.region, idOf(arn));
    if (topic === undefined || topic.arn !== arn) {
      throw new AwsError(NOT_FOUND, "Topic does not exist");
    }
    return topic;
  }

  private subscriptionOf(arn: string): SubscriptionObject {
    const subscription = this.aws.store.get(SUBSCRIPTIONS, this.at.region, idOf(arn));
    if (subscription === undefined || subscription.arn !== arn) {
      throw new AwsError(NOT_FOUND, "Subscription does not exist");
    }
    return subscription;
  }

  private write(topic: TopicObject): void {
    this.aws.store.put(TOPICS, this.at.region, topic.name, topic);
  }

  private writeSubscription(subscription: SubscriptionObject): void {
    this.aws.store.put(SUBSCRIPTIONS, this.at.region, idOf(subscription.arn), subscription);
  }

  private change<T>(operation: string, work: () => T): Promise<T> {
    return this.aws.change(`SNS: ${operation}`, this.at.region, work);
  }

  private isConfirmedAtOnce(protocol: string, endpoint: string): boolean {
    return protocol === "sms" || parseArn(endpoint)?.account === this.at.account;
  }

  private checkTopicAttribute({ arn }: TopicObject, name: string, value: string): void {
    if (!TOPIC_ATTRIBUTES.includes(name)) {
      throw new AwsError(INVALID, "Invalid parameter: AttributeName");
    }
    if (name === "Policy") {
      this.checkPolicy(arn, value);
    } else if (name === "KmsMasterKeyId") {
      this.checkKey(value);
    } else if (name === "DeliveryPolicy" && value !== "") {
      checkJson(name, value);
    } else if (name === "DisplayName" && value.length > MAX_DISPLAY_NAME) {
      throw new AwsError(
        INVALID,
        `Invalid parameter: DisplayName (at most ${MAX_DISPLAY_NAME} characters, got ${value.length})`,
      );
    } else if (name === "SignatureVersion" && !["1", "2"].includes(value)) {
      throw new AwsError(INVALID, `Invalid parameter: SignatureVersion (1 or 2, got ${value})`);
    } else if (name === "TracingConfig" && !["Active", "PassThrough"].includes(value)) {
      throw new AwsError(
        INVALID,
        `Invalid parameter: TracingConfig (Active or PassThrough, got ${value})`,
      );
    }
  }

  /**
   * Stricter than SNS is: it takes statements about other topics, though its page says it does not.
   *
   * @see https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/sns/topic_test.go
   */
  private checkPolicy(arn: string, policy: string): void {
    let statements: readonly PolicyStatement[];
    try {
      statements = parsePolicy(policy, POLICY_RULES, principalChecks(this.aws));
    } catch (error) {
      if (error instanceof AwsError) {
        // SNS does not give the reason.
        throw new AwsError(error.code, `Invalid parameter: Policy Error: ${error.reason}`);
      }
      throw error;
    }
    const problem =
      statements.length > MAX_TOPIC_POLICY_STATEMENTS
        ? `Policy Error: at most ${MAX_TOPIC_POLICY_STATEMENTS} statements, got ${statements.length}`
        : statements.map((statement) => statementProblem(statement, arn)).find(Boolean);
    if (problem !== undefined) {
      throw new AwsError(INVALID, `Invalid parameter: ${problem}`);
    }
  }

  /** Stricter than SNS may be: no source says that it looks at the key before the first message. */
  private checkKey(key: string): void {
    const problem = keyUseProblem(this.aws, this.at, key);
    if (problem !== undefined) {
      throw new AwsError(INVALID, `Invalid parameter: KmsMasterKeyId (${problem})`);
    }
  }
}

const MAX_DISPLAY_NAME = 100;

/** Whether an error says that a topic or subscription is not there. */
export function isSnsNotFound(error: unknown): boolean {
  return isAwsError(error, NOT_FOUND);
}

/** Whether an error says that a subscription cannot be deleted because nobody has confirmed it. */
export function isPendingConfirmation(error: unknown): boolean {
  return isAwsError(error, INVALID) && error.reason === PENDING;
}

/** Name of a topic, or id of a subscription: what its ARN ends in. */
function idOf(arn: string): string {
  return arn.split(":").at(-1) ?? "";
}

function isSame(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => a[name] === b[name]);
}

function withAttribute(
  attributes: Readonly<Record<string, string>>,
  name: string,
  value: string,
): Record<string, string> {
  const { [name]: _before, ...others } = attributes;
  return value === "" ? others : { ...others, [name]: value };
}

/** What of a statement SNS refuses. The sentence about the action is its own. */
function statementProblem(
  { Action, NotAction, Resource, NotResource }: PolicyStatement,
  arn: string,
): string | undefined {
  if (
    [Action ?? NotAction ?? []].flat().some((one) => !POLICY_ACTIONS.includes(one.toLowerCase()))
  ) {
    return "Policy statement action out of service scope!";
  }
  const other = [Resource ?? NotResource ?? []].flat().find((one) => one !== arn && one !== "*");
  return other === undefined ? undefined : `Policy Error: ${other} is not the topic ${arn}`;
}

function checkJson(name: string, value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    throw new AwsError(INVALID, `Invalid parameter: ${name}: failed to parse JSON`);
  }
}

const ENDPOINTS: Readonly<Record<string, { readonly form: RegExp; readonly problem: string }>> = {
  email: { form: /^[^@\s]+@[^@\s]+\.[^@\s]+$/, problem: "Email address" },
  "email-json": { form: /^[^@\s]+@[^@\s]+\.[^@\s]+$/, problem: "Email address" },
  http: { form: /^http:\/\/[^\s]+$/, problem: "Endpoint must match the specified protocol" },
  https: { form: /^https:\/\/[^\s]+$/, problem: "Endpoint must match the specified protocol" },
  sms: { form: /^\+?[0-9-]+$/, problem: `Invalid SMS endpoint` },
};

/** Services whose ARN is the endpoint. */
const ENDPOINT_SERVICES: Readonly<Record<string, string>> = {
  application: "sns",
  firehose: "firehose",
  lambda: "lambda",
  sqs: "sqs",
};

/** @see https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html */
function checkEndpoint(protocol: string, endpoint: string): void {
  if (!SUBSCRIPTION_PROTOCOLS.includes(protocol)) {
    throw new AwsError(
      INVALID,
      `Invalid parameter: Amazon SNS does not support this protocol string: ${protocol}`,
    );
  }
  const service = ENDPOINT_SERVICES[protocol];
  const { form, problem } = ENDPOINTS[protocol] ?? {};
  if (service !== undefined && parseArn(endpoint)?.service !== service) {
    throw new AwsError(INVALID, `Invalid parameter: ${protocol} endpoint ARN`);
  }
  if (form !== undefined && !form.test(endpoint)) {
    throw new AwsError(INVALID, `Invalid parameter: ${problem}`);
  }
}

/** The attributes of a subscription once some of them have been set. */
function checkedSubscription(
  protocol: string,
  changed: Readonly<Record<string, string>>,
  before: Readonly<Record<string, string>>,
): Record<string, string> {
  const unknown = Object.keys(changed).find((name) => !SUBSCRIPTION_ATTRIBUTES.includes(name));
  if (unknown !== undefined) {
    throw new AwsError(
      INVALID,
      `Invalid parameter: Attributes Reason: Unknown attribute: ${unknown}`,
    );
  }
  let after: Record<string, string> = { ...before };
  for (const [name, value] of Object.entries(changed)) {
    after = withAttribute(after, name, value);
  }
  for (const name of ["DeliveryPolicy", "FilterPolicy", "RedrivePolicy", "ReplayPolicy"]) {
    if (after[name] !== undefined) {
      checkJson(name, after[name]);
    }
  }
  if (after.FilterPolicy === "{}") {
    after = withAttribute(after, "FilterPolicy", "");
  }
  const { FilterPolicy: policy, FilterPolicyScope: scope = FILTER_POLICY_SCOPES[0] } = after;
  if (!FILTER_POLICY_SCOPES.some((known) => known === scope)) {
    throw new AwsError(INVALID, `Invalid parameter: FilterPolicyScope: Invalid value [${scope}].`);
  }
  if (policy !== undefined) {
    checkFilterPolicy(policy, scope);
  }
  if ((protocol === "firehose") !== (after.SubscriptionRoleArn !== undefined)) {
    throw new AwsError(
      INVALID,
      "Invalid parameter: SubscriptionRoleArn (it is for the protocol firehose, which needs it)",
    );
  }
  // Without a policy SNS drops the scope:
  // https://github.com/hashicorp/terraform-provider-aws/blob/v6.25.0/internal/service/sns/topic_subscription.go
  return policy === undefined
    ? withAttribute(after, "FilterPolicyScope", "")
    : { ...after, FilterPolicyScope: scope };
}

const filterOperators: readonly string[] = [
  "anything-but",
  "cidr",
  "equals-ignore-case",
  "exists",
  "numeric",
  "prefix",
  "suffix",
  "wildcard",
];

const filterValueSchema = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.null(),
  z
    .record(z.string(), z.unknown())
    .refine(
      (match) =>
        Object.keys(match).length === 1 && filterOperators.includes(Object.keys(match)[0] ?? ""),
    ),
]);

/**
 * The sentences are the sandbox's own.
 *
 * @see https://docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
 */
function checkFilterPolicy(text: string, scope: string): void {
  const { maxBytes, maxKeys, maxCombinations } = FILTER_POLICY_LIMITS;
  const leaves: (readonly unknown[])[] = [];
  const problemOf = (value: unknown, path: string): string | undefined => {
    if (Array.isArray(value)) {
      leaves.push(value);
      return value.length > 0 && value.every((one) => filterValueSchema.safeParse(one).success)
        ? undefined
        : `${path} must be a list of values and of matches that SNS knows`;
    }
    if (typeof value !== "object" || value === null) {
      return `${path} must be an object or an array`;
    }
    if (path !== "the policy" && scope === FILTER_POLICY_SCOPES[0]) {
      return `Filter policy scope ${scope} does not support nested filter policy`;
    }
    return Object.entries(value)
      .map(([key, inner]) => problemOf(inner, `"${key}"`))
      .find(Boolean);
  };
  const json = checkJson("FilterPolicy", text);
  const problem =
    Buffer.byteLength(text) > maxBytes
      ? `at most ${maxBytes} bytes, got ${Buffer.byteLength(text)}`
      : Array.isArray(json)
        ? "the policy must be an object"
        : problemOf(json, "the policy");
  const combinations = leaves.reduce((product, { length }) => product * length, 1);
  const limited =
    leaves.length > maxKeys
      ? `Filter policy can not have more than ${maxKeys} keys`
      : combinations > maxCombinations
        ? `Filter policy is too complex (at most ${maxCombinations} combinations, got ${combinations})`
        : undefined;
  if (problem !== undefined || limited !== undefined) {
    throw new AwsError(INVALID, `Invalid parameter: FilterPolicy: ${problem ?? limited}`);
  }
}
