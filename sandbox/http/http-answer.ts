/** What a service answers. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** @default - none */
  readonly body?: Buffer | string;
}
