import { type Partition, statesIntegration } from "../partition";
import type { Retrier, TaskState, Template } from "./asl";

/**
 * Calls to AWS of the machines that look after Keyspan: retried, and stopped if AWS does not answer.
 *
 * An error is told by what its name and text contain, never by its whole name: an error that an API
 * does not declare, such as a refusal or throttling, comes as `<Service>.<Service>Exception`, with
 * what happened only in its text.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
 */
export interface AwsCallProps {
  readonly partition: Partition;
  /** Such as `aws-sdk:kms:describeKey`. */
  readonly integration: string;
  readonly arguments: Template;
}

/** Seconds after which AWS counts as not answering. A task without it would wait for up to a year. */
export const CALL_TIMEOUT_SECONDS = 20;

/** Calls for one task at most: the first and its retries. */
export const MAX_CALLS = 6;

/**
 * What is not worth a retry first, by the names that the APIs declare; then everything else, since
 * throttling goes by many names. A name missed here costs retries and nothing else.
 *
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html#error-handling-retrying-after-an-error
 */
const RETRY: readonly Retrier[] = [
  {
    ErrorEquals: [
      "States.QueryEvaluationError",
      "Kms.NotFoundException",
      "Kms.AccessDeniedException",
      "EventBridge.ResourceNotFoundException",
      "Sns.NotFoundException",
      "Sns.AuthorizationErrorException",
      "CloudTrail.TrailNotFoundException",
      "StepFunctions.ExecutionAlreadyExistsException",
    ],
    MaxAttempts: 0,
  },
  { ErrorEquals: ["States.Timeout"], MaxAttempts: 1 },
  {
    ErrorEquals: ["States.ALL"],
    IntervalSeconds: 1,
    BackoffRate: 2,
    MaxAttempts: MAX_CALLS - 1,
    JitterStrategy: "FULL",
  },
];

/** The part of a task that calls AWS. */
export function awsCall(
  props: AwsCallProps,
): Pick<TaskState, "Type" | "Resource" | "Arguments" | "TimeoutSeconds" | "Retry"> {
  return {
    Type: "Task",
    Resource: statesIntegration(props.partition, props.integration),
    Arguments: props.arguments,
    TimeoutSeconds: CALL_TIMEOUT_SECONDS,
    Retry: RETRY,
  };
}

/**
 * The part of a task that puts events on the default bus. It fails if one of them was not taken,
 * and tries all of them again: better told twice than never.
 *
 * @param entries - at most 10, of at most 256 KB each
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/connect-eventbridge.html
 * @see https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
 */
export function putEvents(partition: Partition, entries: Template): ReturnType<typeof awsCall> {
  return awsCall({
    partition,
    integration: "events:putEvents",
    arguments: { Entries: entries },
  });
}

const ERROR_TEXT = '($states.errorOutput.Error & " " & $states.errorOutput.Cause)';

/** JSONata of a Catch: whether the caller lacks the permission. */
export const IS_REFUSED = `($contains(${ERROR_TEXT}, "AccessDenied") or $contains(${ERROR_TEXT}, "AuthorizationError") or $contains(${ERROR_TEXT}, "not authorized"))`;

/** JSONata of a Catch: whether what was asked for does not exist. */
export const IS_NOT_FOUND = '$contains($states.errorOutput.Error, "NotFound")';

/** JSONata of a Catch: the name of the error. */
export const ERROR_NAME = "$states.errorOutput.Error";
