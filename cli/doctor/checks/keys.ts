import type { Check, Examination } from "../examination";
import { KMS_KEYS, roomIn } from "../quotas";
import { free, taken, toBeCreated } from "./names";

/** Whether KMS has room for the keys of a region, and whether their aliases are free. */
export function keyChecks(examination: Examination, region: string): readonly Check[] {
  const { calls } = examination;
  const settings = calls.settings("plan", "KMS", region);
  const aliases = toBeCreated(examination, "aws_kms_alias", region);
  const keys = ["aws_kms_key", "aws_kms_replica_key"].flatMap((type) =>
    toBeCreated(examination, type, region),
  );
  return [
    ...(aliases.length === 0
      ? []
      : [
          {
            subject: "names",
            region,
            looksAt: "the aliases",
            run: async () => {
              const { KMSClient, ListAliasesCommand } = await import("@aws-sdk/client-kms");
              const client = new KMSClient(settings);
              const existing = await calls.all("kms:ListAliases", async (Marker, options) => {
                const page = await client.send(
                  new ListAliasesCommand({ Marker, Limit: 100 }),
                  options,
                );
                return { items: page.Aliases ?? [], next: page.NextMarker };
              });
              const clashes = aliases.flatMap((alias) => {
                const found = existing.find(({ AliasName }) => AliasName === alias.name);
                return found === undefined
                  ? []
                  : [
                      taken(
                        examination,
                        alias,
                        alias.name ?? "",
                        `one that points to key ${found.TargetKeyId ?? "nothing"}`,
                      ),
                    ];
              });
              return clashes.length > 0 ? clashes : free(examination, aliases, "aliases", region);
            },
          } satisfies Check,
        ]),
    ...(keys.length === 0
      ? []
      : [
          {
            subject: "quotas",
            region,
            looksAt: "the number of KMS keys",
            run: async () => {
              const { KMSClient, ListKeysCommand } = await import("@aws-sdk/client-kms");
              const client = new KMSClient(settings);
              const existing = await calls.all("kms:ListKeys", async (Marker, options) => {
                const page = await client.send(
                  new ListKeysCommand({ Marker, Limit: 1000 }),
                  options,
                );
                return { items: page.Keys ?? [], next: page.NextMarker };
              });
              return [
                await roomIn(examination, KMS_KEYS, {
                  region,
                  // Which of them are AWS's, only a call for each would tell.
                  what: "KMS keys, with those that AWS manages and does not count",
                  existing: existing.length,
                  added: keys.length,
                }),
              ];
            },
          } satisfies Check,
        ]),
  ];
}
