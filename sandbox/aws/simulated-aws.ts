import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { type Partition, REGIONS_BY_PARTITION } from "../../modules/partition";
import { AwsError } from "./aws-error";
import type { Faults } from "./faults";
import type { ObjectStore } from "./object-store";

/** Form of a {@link Caller}. */
export const callerSchema = z.object({
  /** Account id of the credentials. */
  account: z.string(),
  partition: z.enum(Object.keys(REGIONS_BY_PARTITION) as [Partition, ...Partition[]]),
  /** ARN of the role. */
  roleArn: z.string(),
});

/** Who makes the calls: the role that whoever runs Terraform has taken. */
export type Caller = Readonly<z.output<typeof callerSchema>>;

/** Props of a {@link SimulatedAws}. */
export interface SimulatedAwsProps {
  /** The account's objects. */
  readonly store: ObjectStore;
  readonly caller: Caller;
  readonly faults: Faults;
  /** Ends the provider at once, as a crash would, and never comes back. */
  readonly die: () => Promise<never>;
}

/** One call, as the log of a test shows it. */
export interface CallRecord {
  /** Such as `KMS: CreateKey`. */
  readonly operation: string;
  readonly region: string;
  /** Its number among the calls that change something, or 0. */
  readonly change: number;
}

/**
 * Attempts of the AWS SDK in the provider, whose setting `max_retries` is 25 unless given.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/latest/docs#max_retries-1
 */
const MAX_RETRIES = 25;

/**
 * How often the provider asks again for what it has just made, where AWS is eventually consistent.
 * The real one goes on for 2 minutes and waits between: https://github.com/hashicorp/terraform-provider-aws/blob/main/internal/service/kms/key.go
 */
const MAX_CONSISTENCY_READS = 20;

/** What all connections of one provider have seen so far. */
interface Progress {
  changes: number;
  /** Whether the provider has died: nothing that was under way goes on. */
  dead: boolean;
  readonly calls: CallRecord[];
  /** How often each new key is still not to be found, by ARN. */
  readonly unseenReads: Map<string, number>;
}

/** One simulated account as its services see it: its objects, its caller, and the faults of every call. */
export class SimulatedAws {
  readonly store: ObjectStore;
  readonly caller: Caller;

  /**
   * @param signal - aborts when Terraform is told to stop: calls that wait are then given up
   */
  constructor(
    private readonly props: SimulatedAwsProps,
    private readonly progress: Progress = {
      changes: 0,
      dead: false,
      calls: [],
      unseenReads: new Map(),
    },
    private readonly signal?: AbortSignal,
  ) {
    this.store = props.store;
    this.caller = props.caller;
  }

  /** Every call so far. */
  get calls(): readonly CallRecord[] {
    return this.progress.calls;
  }

  /** The same account, for a connection that can be stopped. */
  stoppedBy(signal: AbortSignal): SimulatedAws {
    return new SimulatedAws(this.props, this.progress, signal);
  }

  /** Makes a call that only reads. */
  async read<T>(operation: string, region: string, work: () => T): Promise<T> {
    const call = this.progress.calls.push({ operation, region, change: 0 });
    await this.waitAndThrottle(operation);
    this.failIf(call === this.props.faults.failCall, operation);
    return inOperation(operation, work);
  }

  /** Makes a call that changes something: what `work` writes is the commit. */
  async change<T>(operation: string, region: string, work: () => T): Promise<T> {
    this.progress.changes += 1;
    const change = this.progress.changes;
    const call = this.progress.calls.push({ operation, region, change });
    await this.waitAndThrottle(operation);
    const { failCall, failChange, dieBeforeChange, dieAfterChange } = this.props.faults;
    if (change === dieBeforeChange) {
      return this.die();
    }
    this.failIf(call === failCall || change === failChange, operation);
    const result = inOperation(operation, work);
    return change === dieAfterChange ? this.die() : result;
  }

  /** Lets a new key be unknown for some reads. */
  hide(keyArn: string): void {
    this.progress.unseenReads.set(keyArn, this.props.faults.newKeyUnseenReads ?? 0);
  }

  /** Whether a read does not see a new key yet. */
  isHidden(keyArn: string): boolean {
    const left = this.progress.unseenReads.get(keyArn) ?? 0;
    if (left > 0) {
      this.progress.unseenReads.set(keyArn, left - 1);
    }
    return left > 0;
  }

  /** Repeats what the provider repeats while a new object is not found yet. */
  async untilFound<T>(work: () => Promise<T>, isNotFound: (error: unknown) => boolean): Promise<T> {
    for (let read = 1; ; read += 1) {
      try {
        return await work();
      } catch (error) {
        if (!isNotFound(error) || read >= MAX_CONSISTENCY_READS) {
          throw error;
        }
      }
    }
  }

  private failIf(failing: boolean, operation: string): void {
    if (failing) {
      throw inContext(operation, new AwsError("InternalFailure", "the sandbox was told to fail"));
    }
  }

  private die(): Promise<never> {
    this.progress.dead = true;
    return this.props.die();
  }

  private async waitAndThrottle(operation: string): Promise<void> {
    const { throttledAttempts = 0, latencyMs = 0 } = this.props.faults;
    const attempts = 1 + Math.min(throttledAttempts, MAX_RETRIES);
    try {
      await sleep(attempts * latencyMs, undefined, { signal: this.signal });
    } catch {
      throw new Error(`operation error ${operation}, request canceled, context canceled`);
    }
    if (this.progress.dead) {
      await new Promise<never>(() => {});
    }
    if (throttledAttempts > MAX_RETRIES) {
      throw inContext(
        operation,
        new AwsError("ThrottlingException", `Rate exceeded, ${attempts} attempts`),
      );
    }
  }
}

function inOperation<T>(operation: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof AwsError ? inContext(operation, error) : error;
  }
}

/** The error as the SDK reports it: which operation of which service, then the service's answer. */
function inContext(operation: string, error: AwsError): AwsError {
  error.message = `operation error ${operation}, https response error StatusCode: 400, RequestID: ${randomUUID()}, ${error.message}`;
  return error;
}
