/** The part that tests use of a package without types of its own. */
declare module "asl-validator" {
  /** Checks a state machine against the schema of the Amazon States Language. */
  export default function validate(definition: unknown): {
    readonly isValid: boolean;
    errorsText(): string;
  };
}
