/** What several values of `notifications` and `trail` must be together. */
import { HUB_BUS } from "../modules/names";
import { eventBusArn, parseArn, partitionOf } from "../modules/partition";
import {
  type AccountDraft,
  accountPartition,
  type Finding,
  isLeftOut,
  items,
  whole,
} from "./account-draft";
import { matchesResidency, subscribedFunction, subscribedQueue } from "./account-schema";
import type { ValuePath } from "./yaml-source";

type NotificationsDraft = NonNullable<AccountDraft["notifications"]>;
type SubscriptionDraft = NonNullable<NonNullable<NotificationsDraft["subscriptions"]>[number]>;

/** Finds every rule about `notifications` that does not hold. */
export function notificationFindings(draft: AccountDraft): Finding[] {
  const { notifications } = draft;
  const path: ValuePath = ["notifications", "subscriptions"];
  const findings: Finding[] = [];
  const seen = new Set<string>();
  for (const [index, subscription] of items(notifications?.subscriptions)) {
    const { protocol, endpoint } = subscription;
    findings.push(...endpointFindings(draft, [...path, index, "endpoint"], subscription));
    const isSecret = typeof endpoint === "object";
    const name = isSecret ? endpoint.ssm : endpoint;
    // Mail servers take an address for the same whatever its capitals.
    const same = `${protocol} ${protocol === "email" ? name?.toLowerCase() : name}`;
    if (protocol !== undefined && name !== undefined && seen.has(same)) {
      findings.push({
        rule: "listed-twice",
        path: [...path, index],
        got: protocol === "https" && !isSecret ? withoutSecrets(name) : name,
        fix: "remove one of the two: severity: all includes what is critical",
      });
    }
    seen.add(same);
  }
  return notifications === undefined ? [] : [...findings, ...hubFindings(draft, notifications)];
}

function endpointFindings(
  draft: AccountDraft,
  path: ValuePath,
  { protocol, endpoint }: SubscriptionDraft,
): Finding[] {
  if (protocol === undefined || endpoint === undefined) {
    return [];
  }
  if (typeof endpoint === "object") {
    return protocol === "https" || endpoint.ssm === undefined
      ? []
      : [{ rule: "ssm-protocol", path, got: endpoint }];
  }
  switch (protocol) {
    case "email":
      return emailFindings(path, endpoint);
    case "https":
      return urlFindings(path, endpoint);
    case "sqs":
      return subscribedQueue.safeParse(endpoint).success
        ? deliveryFindings(draft, path, endpoint)
        : [{ rule: "queue-arn", path, got: endpoint }];
    case "lambda":
      return subscribedFunction.safeParse(endpoint).success
        ? deliveryFindings(draft, path, endpoint)
        : [{ rule: "function-arn", path, got: endpoint }];
  }
}

// https://datatracker.ietf.org/doc/html/rfc5321#section-4.5.3.1, without quoted local parts
const EMAIL =
  /^(?=.{1,254}$)(?=[^@]{1,64}@)([\w!#%&'*+/=?^`{|}~-]+(?:\.[\w!#%&'*+/=?^`{|}~-]+)*)@((?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)+(?:[a-z]{2,63}|xn--[a-z\d-]{1,59}))$/i;

/** Domains at which everybody can have an address, and no company has its lists. */
const FREEMAIL =
  /^(?:(?:aol|gmx|hotmail|live|outlook|yahoo|yandex)\.(?:[a-z]{2,3}|com?\.[a-z]{2})|(?:126|163|fastmail|gmail|googlemail|hey|icloud|mac|mail|me|msn|protonmail|qq|rocketmail|tutanota|ymail)\.com|(?:freenet|mailbox|posteo|t-online|web)\.(?:de|org)|(?:free|laposte|orange)\.(?:fr|net)|(?:libero|virgilio)\.it|(?:bk|inbox|list|mail)\.ru|proton\.me|pm\.me|tuta\.com|zohomail\.(?:com|eu))$/i;

/** Words that make `first.last` the address of a group. */
const GROUP_WORDS: readonly string[] = [
  ...["admin", "admins", "alarm", "alarms", "alert", "alerts", "audit", "aws", "ciso", "cloud"],
  ...["compliance", "crypto", "cyber", "desk", "devops", "devsecops", "duty", "encryption"],
  ...["engineering", "engineers", "events", "group", "helpdesk", "incident", "incidents", "info"],
  ...["infosec", "infra", "infrastructure", "key", "keys", "keyspan", "kms", "list", "monitoring"],
  ...["noc", "notifications", "notify", "office", "oncall", "operations", "operators", "ops"],
  ...["pager", "platform", "postmaster", "prod", "production", "responders", "root", "secops"],
  ...["security", "service", "services", "soc", "squad", "sre", "staging", "support", "sysadmin"],
  ...["sysadmins", "team", "teams", "test", "webmaster"],
];

function emailFindings(path: ValuePath, address: string): Finding[] {
  const [, local = "", domain = ""] = EMAIL.exec(address) ?? [];
  if (local === "") {
    return [{ rule: "email-address", path, got: address }];
  }
  // What follows + is a tag of the same mailbox.
  const parts = (local.split("+")[0] ?? "").split(/[._]/);
  const words = parts.flatMap((part) => part.toLowerCase().replace(/\d+$/, "").split("-"));
  const isPersonal =
    parts.length > 1 &&
    parts.every((part) => /^[a-z][a-z'-]*\d*$/i.test(part)) &&
    !words.some((word) => GROUP_WORDS.includes(word));
  return isPersonal || FREEMAIL.test(domain) ? [{ rule: "group-address", path, got: address }] : [];
}

const HOST_NAME = /^(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?\.)+[a-z][a-z\d-]{0,61}[a-z\d]$/;

/** Names of query parameters that carry secrets, or parts of such names. */
const SECRET_PARAMETER =
  /token|key|secret|sig|pass|pwd|access|auth|cred|code|session|jwt|hmac|hash/i;

/** Hosts at which whoever knows the URL may post: its path is the secret. */
const WEBHOOK_HOSTS: readonly string[] = [
  "alert.victorops.com",
  "api.eu.opsgenie.com",
  "api.opsgenie.com",
  "chat.googleapis.com",
  "discord.com",
  "discordapp.com",
  "events.eu.pagerduty.com",
  "events.pagerduty.com",
  "hook.eu1.make.com",
  "hook.us1.make.com",
  "hooks.chime.aws",
  "hooks.slack-gov.com",
  "hooks.slack.com",
  "hooks.zapier.com",
  "logic.azure.com",
  "logic.azure.us",
  "maker.ifttt.com",
  "outlook.office.com",
  "outlook.office365.com",
  "powerplatform.com",
  "webhook.office.com",
  "webhook.site",
];

function urlFindings(path: ValuePath, text: string): Finding[] {
  const url = /^https:\/\/[!-"$-~]+$/.test(text) ? parseUrl(text) : undefined;
  if (url === undefined || !HOST_NAME.test(url.hostname)) {
    return [{ rule: "https-url", path, got: withoutSecrets(text) }];
  }
  const { hostname, username, password, pathname, searchParams } = url;
  const isSecret =
    username !== "" ||
    password !== "" ||
    (pathname !== "/" &&
      WEBHOOK_HOSTS.some((host) => hostname === host || hostname.endsWith(`.${host}`))) ||
    pathname.split("/").some(looksRandom) ||
    [...searchParams].some(([name, value]) => SECRET_PARAMETER.test(name) || looksRandom(value));
  return isSecret ? [{ rule: "secret-in-url", path, got: withoutSecrets(text) }] : [];
}

function parseUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

/** The URL as far as its host: messages end up in logs. */
function withoutSecrets(text: string): string {
  const { protocol, host } = parseUrl(text) ?? { protocol: "", host: "" };
  return host === "" ? text : `${protocol}//${host}/…`;
}

/** A word, a number, or both as in `v2` and `eu1`. */
const READABLE_WORD = /^(?:[a-z]{0,31}\d{0,2}|v?\d{1,12})$/i;

/** Whether a part of a URL is what no person would have made up: 16 characters or more, letters and digits mixed. */
function looksRandom(encoded: string): boolean {
  let text = encoded;
  try {
    text = decodeURIComponent(encoded);
  } catch {
    // Not encoded, then.
  }
  return text.length >= 16 && !text.split(/[^a-z\d]+/i).every((word) => READABLE_WORD.test(word));
}

/**
 * The regions that every account has from the start. AWS has added none since March 2019: those that
 * came later must be opted in to. (Its pages disagree on Osaka, which is taken for one of these.)
 *
 * @see https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
 */
const DEFAULT_REGIONS: readonly string[] = [
  ...["ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1"],
  ...["ap-southeast-2", "ca-central-1", "cn-north-1", "cn-northwest-1", "eu-central-1"],
  ...["eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2"],
  ...["us-gov-east-1", "us-gov-west-1", "us-west-1", "us-west-2"],
];

/**
 * What must hold of a queue or function beyond its form.
 *
 * SNS asks the owner of one in another account to confirm, and the provider waits for that in vain.
 * SNS delivers across regions, but to no function of an opt-in region and between no two of those.
 *
 * @see https://docs.aws.amazon.com/sns/latest/dg/sns-cross-region-delivery.html
 * @see https://docs.aws.amazon.com/sns/latest/dg/lambda-prereq.html
 * @see https://docs.aws.amazon.com/sns/latest/dg/SendMessageToSQS.cross.account.html
 */
function deliveryFindings(draft: AccountDraft, path: ValuePath, endpointArn: string): Finding[] {
  const elsewhere = placeFindings(draft, path, endpointArn);
  const { service, account, region = "" } = parseArn(endpointArn) ?? {};
  const { homeRegion } = draft;
  if (draft.account?.id !== undefined && account !== draft.account.id) {
    elsewhere.push({ rule: "delivery-account", path, got: endpointArn });
  }
  if (elsewhere.length > 0 || homeRegion === undefined) {
    return elsewhere;
  }
  const isDelivered =
    region === homeRegion ||
    DEFAULT_REGIONS.includes(region) ||
    (service === "sqs" && DEFAULT_REGIONS.includes(homeRegion));
  return isDelivered ? [] : [{ rule: "delivery-region", path, got: endpointArn }];
}

/** Whether messages or events may go to where a resource is: it is in the partition, and residency admits its region. */
function placeFindings(draft: AccountDraft, path: ValuePath, resourceArn: string): Finding[] {
  const { region = "" } = parseArn(resourceArn) ?? {};
  const partition = accountPartition(draft);
  if (partition === undefined) {
    return [];
  }
  if (partitionOf(region) !== partition) {
    return [{ rule: "own-partition", path, got: resourceArn }];
  }
  const patterns = whole(draft.residency);
  return patterns?.some((pattern) => matchesResidency(region, pattern)) === false
    ? [
        {
          rule: "residency",
          path,
          got: resourceArn,
          fix: "take one in a region that residency admits, or widen residency if what is said of keys may be there",
        },
      ]
    : [];
}

function hubFindings(draft: AccountDraft, notifications: NotificationsDraft): Finding[] {
  const { organizationHub, organizationId } = notifications;
  const account = draft.account?.id;
  if (isLeftOut(notifications, "organizationHub")) {
    return [];
  }
  const path: ValuePath = ["notifications", "organizationHub"];
  const idPath: ValuePath = ["notifications", "organizationId"];
  const needless = {
    rule: "hub-organization",
    path: idPath,
    got: organizationId,
    fix: "remove it: nobody forwards to an account that is not the organisation's hub",
  } as const;
  if (organizationHub === undefined) {
    return organizationId === undefined ? [] : [needless];
  }
  if (account === undefined || parseArn(organizationHub)?.account !== account) {
    return [
      ...placeFindings(draft, path, organizationHub),
      ...(account === undefined || organizationId === undefined ? [] : [needless]),
    ];
  }
  const partition = accountPartition(draft);
  const region = draft.homeRegion;
  const findings: Finding[] = [];
  if (partition !== undefined && region !== undefined) {
    const own = eventBusArn({ partition, account, region }, HUB_BUS);
    if (organizationHub !== own) {
      findings.push({
        rule: "own-hub",
        path,
        got: organizationHub,
        fix: `write ${own}, or remove it if this account is not the organisation's hub`,
      });
    }
  }
  if (!Object.hasOwn(notifications, "organizationId")) {
    findings.push({ rule: "hub-organization", path: idPath, got: undefined });
  }
  return findings;
}

/** Finds every rule about `trail` that does not hold. */
export function trailFindings(draft: AccountDraft): Finding[] {
  const { trail } = draft;
  if (typeof trail !== "object") {
    return [];
  }
  // What is undefined had the wrong form, or was misspelt: that has its own message.
  const modes = Object.values(trail).filter((settings) => settings !== undefined);
  if (modes.length > 1 || Object.keys(trail).length === 0) {
    return [{ rule: "trail-mode", path: ["trail"], got: trail }];
  }
  const findings: Finding[] = [];
  const partition = accountPartition(draft);
  const account = draft.account?.id;
  for (const mode of ["existing", "organization"] as const) {
    const trailArn = trail[mode];
    const parts = trailArn === undefined ? undefined : parseArn(trailArn);
    const path: ValuePath = ["trail", mode];
    if (parts !== undefined && partition !== undefined && parts.partition !== partition) {
      findings.push({ rule: "own-partition", path, got: trailArn });
    }
    if (
      mode === "existing" &&
      parts !== undefined &&
      account !== undefined &&
      parts.account !== account
    ) {
      findings.push({ rule: "own-trail", path, got: trailArn });
    }
  }
  return findings;
}
