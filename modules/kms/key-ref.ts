/** A KMS key as its consumers need it: an identity bound to one region. */
export interface KeyRef {
  /** ARN of the primary key or replica key in `region`. A token when the key is defined in this app. */
  readonly keyArn: string;
  /** The only region in which this ARN can be used. */
  readonly region: string;
}
