/**
 * What becomes of a message that is published on a topic of the simulated account.
 *
 * @see https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
 */
import { parseArn } from "../../modules/partition";
import type { ObjectStore } from "../aws/object-store";
import { SUBSCRIPTIONS, type SubscriptionObject, TOPICS } from "../aws/sns";
import type { AccountAccess, KeyProblem, PrincipalWay } from "./account-access";
import { matchesPattern } from "./event-matcher";
import { type JourneyStep, passed, stopped } from "./journey-step";

/** Attributes of a message: texts, numbers, or lists of both. */
export type MessageAttributes = Readonly<Record<string, unknown>>;

/** What is published. */
export interface Publication {
  readonly topicArn: string;
  readonly subject?: string | undefined;
  readonly message: string;
  /** Text for subscribers of a protocol, if it is not that for all. */
  readonly messageByProtocol?: Readonly<Record<string, string>>;
  readonly attributes: MessageAttributes;
}

/** A message as a subscriber gets it. */
export interface DeliveredMessage {
  readonly topicArn: string;
  readonly protocol: string;
  readonly endpoint: string;
  readonly subject?: string | undefined;
  readonly message: string;
  readonly attributes: MessageAttributes;
  /** Whether the subscriber has yet to confirm, and gets nothing before. */
  readonly afterConfirmation: boolean;
}

/** Why a topic did not take a message: the error of SNS, and what it is about. */
export interface PublishProblem {
  readonly code:
    | "NotFound"
    | "InvalidParameter"
    | "AuthorizationError"
    | "KMSDisabled"
    | "KMSInvalidState"
    | "KMSAccessDenied"
    | "KMSNotFound";
  readonly reason: string;
}

/** What became of a publication. */
export interface PublishResult {
  readonly step: JourneyStep;
  readonly messages: readonly DeliveredMessage[];
  /** `undefined`: the topic took it. */
  readonly problem?: PublishProblem;
}

/** Bytes of a message: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html */
const MAX_MESSAGE_BYTES = 262_144;

/**
 * What a subject must be. The API reference has said ASCII, and UTF-8 since; a subject that is right
 * either way is demanded here.
 */
const SUBJECT = /^[!-~][ -~]{0,98}$/;

const KEY_ERRORS: Readonly<Record<KeyProblem["kind"], PublishProblem["code"]>> = {
  missing: "KMSNotFound",
  disabled: "KMSDisabled",
  "invalid-state": "KMSInvalidState",
  denied: "KMSAccessDenied",
};

/** Props of {@link publish}. */
export interface PublishProps {
  readonly store: ObjectStore;
  readonly access: AccountAccess;
  readonly publication: Publication;
  /** Who publishes, as the messages of a journey name it. */
  readonly publisher: string;
  readonly ways: readonly PrincipalWay[];
  /** Region in which it publishes: SNS knows no topics of others. */
  readonly region: string;
  /** Whether subscribers count as confirmed that are not. */
  readonly confirmed: boolean;
}

/** Publishes on a topic: whether it is taken, and what each subscriber gets. */
export function publish(props: PublishProps): PublishResult {
  const { publication, publisher, region, store } = props;
  const name = parseArn(publication.topicArn)?.resource ?? publication.topicArn;
  const where = `topic ${name} in ${region}`;
  const what = `${publisher} publishes on ${where}`;
  const problem = publishProblem(props, name);
  if (problem !== undefined) {
    return {
      step: stopped(what, `${problem.code}: ${problem.reason}`),
      messages: [],
      problem,
    };
  }
  const subscriptions = store
    .list(SUBSCRIPTIONS, region)
    .map(([, subscription]) => subscription)
    .filter(({ topicArn }) => topicArn === publication.topicArn)
    .sort((a, b) => `${a.protocol} ${a.endpoint}`.localeCompare(`${b.protocol} ${b.endpoint}`));
  const received = subscriptions.map((subscription) => receive(subscription, props));
  return {
    step:
      subscriptions.length === 0
        ? stopped(what, "the topic takes it, but nobody has subscribed")
        : passed(
            what,
            "its policy and its key allow it",
            received.map(({ step }) => step),
          ),
    messages: received.flatMap(({ message }) => message ?? []),
  };
}

function publishProblem(
  { store, access, publication, ways, region }: PublishProps,
  name: string,
): PublishProblem | undefined {
  const topic = store.get(TOPICS, region, name);
  const { topicArn, subject, message } = publication;
  if (topic === undefined || topic.arn !== topicArn) {
    return { code: "NotFound", reason: `topic ${topicArn} does not exist in ${region}` };
  }
  const invalid = invalidParameter(subject, message);
  if (invalid !== undefined) {
    return { code: "InvalidParameter", reason: invalid };
  }
  const verdict = access.inEveryCase(
    ways.map(({ when, principal }) => ({
      when,
      request: { principal, action: "sns:Publish", resourceArn: topicArn },
    })),
  );
  if (!verdict.ok) {
    return { code: "AuthorizationError", reason: verdict.reason };
  }
  const keyProblem = access.keyProblem(
    {
      key: topic.attributes.KmsMasterKeyId ?? "",
      region,
      encryptionContext: { "aws:sns:topicArn": topicArn },
      via: "sns",
    },
    ways,
  );
  return keyProblem === undefined
    ? undefined
    : { code: KEY_ERRORS[keyProblem.kind], reason: keyProblem.reason };
}

function invalidParameter(subject: string | undefined, message: string): string | undefined {
  const bytes = Buffer.byteLength(message);
  if (message === "") {
    return "the message is empty";
  }
  if (bytes > MAX_MESSAGE_BYTES) {
    return `the message has ${bytes} bytes, at most ${MAX_MESSAGE_BYTES} are possible`;
  }
  return subject !== undefined && !SUBJECT.test(subject)
    ? `the subject must be 1 to 99 characters of ASCII on one line, got ${JSON.stringify(subject)}`
    : undefined;
}

function receive(
  { protocol, endpoint, confirmed, attributes }: SubscriptionObject,
  { publication, ...props }: PublishProps,
): { readonly step: JourneyStep; readonly message?: DeliveredMessage } {
  const what = `${protocol} to ${endpoint}`;
  const { FilterPolicy: filter, FilterPolicyScope: scope } = attributes;
  const text = publication.messageByProtocol?.[protocol] ?? publication.message;
  if (filter !== undefined && !passesFilter(filter, scope, publication)) {
    return { step: passed(what, `not asked for: its filter policy ${filter} does not match`) };
  }
  const afterConfirmation = !confirmed && !props.confirmed;
  return {
    step: passed(
      what,
      afterConfirmation ? "gets it after confirmation: the subscription is pending" : "gets it",
    ),
    message: {
      topicArn: publication.topicArn,
      protocol,
      endpoint,
      subject: publication.subject,
      message: text,
      attributes: publication.attributes,
      afterConfirmation,
    },
  };
}

/**
 * A message without attributes passes no filter on attributes, not even one that asks for none.
 *
 * @see https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html
 */
function passesFilter(
  filter: string,
  scope: string | undefined,
  { attributes, message }: Publication,
): boolean {
  const pattern: unknown = JSON.parse(filter);
  if (scope !== "MessageBody") {
    return Object.keys(attributes).length > 0 && matchesFields(pattern, attributes);
  }
  try {
    return matchesFields(pattern, JSON.parse(message));
  } catch (error) {
    if (error instanceof SyntaxError) {
      return false;
    }
    throw error;
  }
}

/** Fields are called as they like in a filter policy, but not on the outside of an event. */
function matchesFields(pattern: unknown, fields: unknown): boolean {
  return matchesPattern({ detail: pattern }, { detail: fields });
}
