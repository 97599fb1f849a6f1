/** The machine `announce` of an account with two keys of its own, run in the engine. */
import { type AnnounceProps, announceDefinition } from "../../modules/states/announce/definition";
import type { SampleSubject } from "../../sandbox/delivery/sample-events";
import {
  type ExecutionResult,
  runExecution,
  TaskError,
} from "../../sandbox/delivery/state-machine";

export const AT = { partition: "aws", account: "111122223333", region: "eu-west-1" } as const;
export const ELSEWHERE = { ...AT, account: "444455556666" } as const;
export const TIME = "2026-11-22T03:04:05Z";

const ID = "mrk-1234abcd12ab34cd56ef1234567890ab";
const keyArn = (region: string, id: string) => `arn:aws:kms:${region}:111122223333:key/${id}`;

/** ARNs of the keys: Keyspan's `archive` and `alerts`, and one of another team. */
export const KEYS = {
  archive: keyArn("eu-west-1", ID),
  replica: keyArn("eu-central-1", ID),
  alerts: keyArn("eu-west-1", "mrk-aaaaaaaa12ab34cd56ef1234567890ab"),
  others: keyArn("eu-west-1", "1234abcd-12ab-34cd-56ef-1234567890ab"),
};

export const ALERTS = "arn:aws:sns:eu-west-1:111122223333:keyspan-alerts";
export const AUDIT = "arn:aws:sns:eu-west-1:111122223333:keyspan-audit";
export const DEPLOY_ROLE = "arn:aws:iam::111122223333:role/keyspan/deploy";

export const PROPS: AnnounceProps = {
  at: AT,
  accountName: "prod",
  watch: "all",
  keys: [
    {
      name: "archive",
      keyArns: [KEYS.replica, KEYS.archive],
      alias: "alias/keyspan-archive",
      dependants: { "eu-west-1": ["event bus orders", "archive orders"] },
    },
    {
      name: "alerts",
      keyArns: [KEYS.alerts],
      alias: "alias/keyspan-alerts",
      dependants: { "eu-west-1": ["topic keyspan-alerts"] },
    },
  ],
  deployRoles: [DEPLOY_ROLE],
  footer: { runbook: "https://example.com/runbook", contact: "platform@example.com" },
  alertsTopicArn: ALERTS,
  auditTopicArn: AUDIT,
  isOrganizationHub: true,
};

/** A sample's subject: the key `archive`, unless said otherwise. */
export const ARCHIVE: SampleSubject = {
  at: AT,
  keyArn: KEYS.archive,
  alias: "alias/keyspan-archive",
  time: TIME,
};

/** What SNS was asked to publish. */
export interface Published {
  readonly TopicArn: string;
  readonly Subject: string;
  readonly Message: string;
  readonly MessageAttributes: {
    readonly severity: { readonly DataType: "String"; readonly StringValue: string };
    readonly kind: { readonly DataType: "String"; readonly StringValue: string };
  };
}

/** What became of an event. */
export interface Announced {
  readonly execution: ExecutionResult;
  /** What SNS took. */
  readonly published: readonly Published[];
}

const DEFINITIONS = new WeakMap<AnnounceProps, unknown>();

/** The definition as Step Functions has it: parsed JSON. */
export function definitionOf(props: AnnounceProps): unknown {
  if (!DEFINITIONS.has(props)) {
    DEFINITIONS.set(props, JSON.parse(JSON.stringify(announceDefinition(props))));
  }
  return DEFINITIONS.get(props);
}

/** How `announce` is to be run, if not as usual. */
export interface AnnounceOptions {
  readonly props?: AnnounceProps;
  /** The definition, if not that of the props. */
  readonly definition?: unknown;
  /** ARNs of topics that take nothing. */
  readonly broken?: readonly string[];
}

/** Lets `announce` have an event. */
export async function announce(
  event: unknown,
  { props = PROPS, definition = definitionOf(props), broken = [] }: AnnounceOptions = {},
): Promise<Announced> {
  const published: Published[] = [];
  const execution = await runExecution({
    definition,
    input: event,
    startedAt: "2026-11-22T03:05:00Z",
    stateMachineArn: "arn:aws:states:eu-west-1:111122223333:stateMachine:keyspan-announce",
    executionName: "one",
    task: async (call) => {
      const request = call.arguments as Published;
      if (broken.includes(request.TopicArn)) {
        throw new TaskError("SNS.KMSDisabledException", "key is disabled");
      }
      published.push(request);
      return { MessageId: "m" };
    },
  });
  return { execution, published };
}

/** Messages as a block of text, to be compared whole. */
export function shown(published: readonly Published[]): string {
  return published
    .map(
      ({ TopicArn, Subject, Message, MessageAttributes: { severity, kind } }) =>
        `[${TopicArn.split(":").at(-1)}, ${severity.StringValue}, ${kind.StringValue}]\n${Subject}\n\n${Message}\n`,
    )
    .join("\n");
}
